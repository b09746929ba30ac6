"""Time against the number of devices as a chart in text, with the ideal line."""

from __future__ import annotations

from collections.abc import Sequence

from xlascope.views.partitioning.ranking import Scale

_WIDTH, _HEIGHT = 72, 16
_SIGNS = "ox+*#@"


def chart(rows: Sequence[Scale]) -> list[str]:
    """Lines of the chart: a sign for each plan, dots for the time on one device divided by the devices."""
    import plotext

    by_plan: dict[str, list[Scale]] = {}
    for row in rows:
        by_plan.setdefault(row.plan, []).append(row)
    figure = plotext.figure
    plotext.terminal.limit(False, False)
    figure.clear.all()
    figure.plot_size(_WIDTH, _HEIGHT)
    figure.theme("colorless")
    legend = []
    for number, (plan, scales) in enumerate(by_plan.items()):
        ideal = [(row.devices, row.ideal_ns / 1e6) for row in scales if row.ideal_ns is not None]
        if number == 0 and len(ideal) > 1:
            drawn = figure.signal([x for x, _ in ideal], [y for _, y in ideal], marker=plotext.marker("."))
            figure.draw(drawn.lines(True))
            legend.append(". ideal")
        sign = _SIGNS[number % len(_SIGNS)]
        points = figure.signal([row.devices for row in scales], [row.median_ns / 1e6 for row in scales],
                               marker=plotext.marker(sign))  # fmt: skip
        figure.draw(points.lines(False))
        legend.append(f"{sign} {plan}")
    figure.label("devices", "x")
    figure.label("ms", "y")
    return ["  ".join(legend), *(line.rstrip() for line in figure.build().string(colorless=True).split("\n"))]

import logging

print(logging.getLogger().handlers, logging.getLogger().level)
logging.warning("by the last resort")
logging.basicConfig(level=logging.DEBUG, format="%(levelname)s %(module)s:%(lineno)d %(message)s")
logging.debug("shown")
try:
    1 / 0  # noqa: B018
except ZeroDivisionError:
    logging.exception("with a traceback")

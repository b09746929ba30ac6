# launch: -m pytest -q -p no:cacheprovider -c /dev/null SCRIPT
# normalise: in \d+\.\d+s
def test_right():
    assert True


def test_wrong():
    assert 1 + 1 == 3

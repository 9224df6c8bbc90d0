# `python3 -m pytest` with 20 tests that each start a program
cat > test_all.py << 'END'
import subprocess, pytest
@pytest.mark.parametrize("n", range(20))
def test_it_says(n):
    assert subprocess.check_output(["echo", str(n)]) == b"%d\n" % n
END
python3 -m pytest -q

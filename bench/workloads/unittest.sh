# python3 -m unittest with 20 tests that each start a program
cat > test_all.py << 'END'
import subprocess, unittest
class All(unittest.TestCase): pass
def one(n):
    return lambda self: self.assertEqual(subprocess.check_output(["echo", str(n)]), b"%d\n" % n)
for n in range(20): setattr(All, "test_%d" % n, one(n))
END
python3 -m unittest -q test_all

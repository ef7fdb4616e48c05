"""bf-lower as a command: exit status, messages, and no image left where there was an error.

    lower_tool_test.py BF_LOWER
"""
import pathlib
import subprocess
import sys
import tempfile

GOOD = "define i32 @answer() {\n  ret i32 42\n}\n"
BAD = "define void @broken() {\n  call void asm \"hlt\", \"\"()\n  ret void\n}\n"


def main():
    tool = sys.argv[1]
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        (folder / "good.ll").write_text(GOOD)
        (folder / "bad.ll").write_text(BAD)
        image, text = folder / "out.bfir", folder / "out.ir"

        def run(*arguments):
            return subprocess.run([tool, *map(str, arguments)], capture_output=True, text=True)

        result = run(folder / "good.ll", "-o", image, "--text", text)
        assert result.returncode == 0 and result.stderr == "", result
        assert image.read_bytes()[:4] == b"BFIR"
        assert "func @answer () -> (i32) export" in text.read_text()

        # The image of before must not pass for this one's.
        result = run(folder / "bad.ll", "-o", image)
        assert result.returncode == 1 and not image.exists(), result
        assert result.stderr.startswith("bf-lower: function broken: "), result
        assert result.stderr.count("\n") == 1, result

        result = run(folder / "good.ll", folder / "bad.ll", "-o", image)
        assert result.returncode == 1 and not image.exists(), result
        result = run(folder / "missing.bc", "-o", image)
        assert result.returncode == 1 and "missing.bc" in result.stderr, result
        (folder / "cut.bc").write_bytes(b"BC\xc0\xde\x35\x14\x00\x00\x05")
        result = run(folder / "cut.bc", "-o", image)
        assert result.returncode == 1 and "cut.bc" in result.stderr, result
        for arguments in ([], [folder / "good.ll"], ["-o"], ["--nonsense"]):
            result = run(*arguments)
            assert result.returncode == 2 and result.stderr.startswith("bf-lower: "), result
        result = run(folder / "good.ll", "-o", folder / "no-such-folder" / "x")
        assert result.returncode == 1 and "cannot write" in result.stderr, result
        result = run("--help")
        assert result.returncode == 0 and result.stdout.startswith("usage: "), result


main()

"""`./bareflow exec` from outside: sources in, the program's output and status out."""

import signal
import subprocess

from support import CommandLineTest, bareflow, main

HELLO = b"""
#include <stdio.h>
#include <stdlib.h>
int half(int);
int main(int count, char **words) {
  for (int i = 1; i < count; ++i) printf("%s,", words[i]);
  if (count == 2) abort();
  return half(count * 2);
}
"""
HALF = b"int half(int n) { return n / 2; }\n"
CLASS = b"""
#include <cstdio>
struct Shape { virtual int area() const = 0; };
struct Square final : Shape { int side = 3; int area() const override { return side * side; } };
static Square square;
int main() { const Shape *volatile shape = &square; std::printf("%d\\n", shape->area()); }
"""


class Programs(CommandLineTest):
    def setUp(self):
        super().setUp()
        self.hello, self.half = self.write("hello.c", HELLO), self.write("half.c", HALF)

    def test_files_arguments_and_status(self):
        for tier in ("interp", "baseline", "tuned", "auto"):
            with self.subTest(tier):
                process = bareflow("exec", "--tier", tier, self.hello, self.half, "--", "--a", "b c")
                self.assertEqual((process.stdout, process.returncode), (b"--a,b c,", 3))

    def test_a_signal_ends_it_as_natively(self):
        process = bareflow("exec", self.hello, self.half, "--", "abort")
        self.assertEqual(process.returncode, -signal.SIGABRT)

    def test_cxx(self):
        process = bareflow("exec", "-O1", self.write("shape.cpp", CLASS))
        self.assertEqual((process.stdout, process.returncode), (b"9\n", 0), process.stderr)

    def test_statistics_are_beside_the_output(self):
        process = bareflow("exec", "--stats", self.hello, self.half, "--", "a", "b")
        self.assertEqual(process.stdout, b"a,b,")
        self.assertIn(b" main\n", process.stderr)

    def test_options_for_the_compiler_and_the_engine(self):
        define = self.write("define.c", b"int main(void) { return NUMBER; }\n")
        process = bareflow("exec", "--cflags", "-DNUMBER=42", "--engine", "--no-profile", define)
        self.assertEqual(process.returncode, 42, process.stderr)

    def test_an_image_alone(self):
        image, bitcode = self.folder / "half.bfir", self.folder / "main.bc"
        source = self.write("main.c", b"int main(void) { return 5; }\n")
        subprocess.run(["clang-19", "-O1", "-emit-llvm", "-c", source, "-o", bitcode], check=True)
        self.assertEqual(bareflow("exec", bitcode).returncode, 5)
        self.refused(bareflow("exec", image, bitcode), 1, "half.bfir")


class BadPrograms(CommandLineTest):
    def test_what_clang_refuses(self):
        self.refused(bareflow("exec", self.write("bad.c", b"int main(void) { return }\n")), 1, "clang")

    def test_a_function_that_nobody_has(self):
        source = self.write("lacks.c", b"int nobody_has_this(void);\nint main(void) { return "
                                       b"nobody_has_this(); }\n")
        process = bareflow("exec", source)
        self.assertEqual(process.returncode, 125)
        self.assertIn(b"nobody_has_this", process.stderr)
        self.assertIn(b"--library", process.stderr)

    def test_a_file_that_is_not_there(self):
        self.refused(bareflow("exec", "missing.c"), 1, "missing.c")

    def test_a_tier_that_is_not_there(self):
        process = bareflow("exec", "--tier", "fast", self.write("main.c", b"int main(void){return 0;}"))
        self.assertEqual(process.returncode, 125)
        self.assertIn(b"fast", process.stderr)


if __name__ == "__main__":
    main()

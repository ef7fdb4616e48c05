"""`./bareflow bench kernels`: the table, and what makes it fail."""

import unittest

from support import main

from model import kernels


def row(kernel, case, limit, ours, theirs, agrees=True):
    return {"kernel": kernel, "case": case, "bytes": 1000, "operations": 4000, "limit": limit,
            "tier": "tuned", "versions": {
                "jit": {"ns": ours, "times": 1.0, "agrees": True},
                "aot": {"ns": theirs, "times": theirs / ours, "agrees": agrees}}}


RESULT = {"limits": {"read_gb_s": 20.0, "cache_gb_s": 200.0, "int8_gops": 400.0, "f32_gflops": 100.0},
          "agree": False, "kernels": [row("matmul_q4_0", "1 token, memory", "read_gb_s", 100.0, 400.0),
                                      row("matmul_q8_0", "1 token, memory", "int8_gops", 20.0, 20.0),
                                      row("add", "64 floats", "cache_gb_s", 10.0, 5.0, False)]}


class Table(unittest.TestCase):
    def test_what_is_reached_is_a_part_of_what_bounds_it(self):
        parts = [kernels.reached(one, RESULT["limits"]) for one in RESULT["kernels"]]
        self.assertEqual(parts, [0.5, 0.5, 0.5])

    def test_means_are_geometric_and_of_one_kind(self):
        self.assertAlmostEqual(kernels.mean(RESULT["kernels"][:2], "aot"), 2.0)
        self.assertIsNone(kernels.mean(RESULT["kernels"], "ggml"))
        lines = kernels.table(RESULT)
        self.assertTrue(any("products, 1 token, memory" in line and " 2.00 " in line
                            for line in lines), lines)
        self.assertTrue(any("the others" in line and " 0.50 " in line for line in lines), lines)
        self.assertLessEqual(max(map(len, lines)), 86)

    def test_what_computes_something_else_is_told(self):
        self.assertEqual(kernels.failures(RESULT), ["add, 64 floats: AOT computes something else"])
        self.assertTrue(any("0.50!" in line for line in kernels.table(RESULT)))


if __name__ == "__main__":
    main()

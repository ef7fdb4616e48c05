"""A damaged IR image is refused with one line, on the host and in the guest."""

import subprocess

from support import STORY, CommandLineTest, main

import make_iso
import qemu
from cli import places

FLIPS = 60


def flipped(image, position):
    """The image with one bit changed."""
    return image[:position] + bytes([image[position] ^ 0x10]) + image[position + 1:]


class DamagedImages(CommandLineTest):
    def setUp(self):
        super().setUp()
        self.image = places.PROGRAM.read_bytes()

    def host(self, name, data):
        program = self.write(name, data)
        return subprocess.run([places.HOST_ENGINE, "--blob", f"program={program}",
                               "--blob", f"model={STORY}", "--text", "prompt=Tom"],
                              stdin=subprocess.DEVNULL, capture_output=True, timeout=60)

    def test_flipped_bits(self):
        for position in range(0, len(self.image), len(self.image) // FLIPS):
            with self.subTest(position):
                self.refused(self.host("flipped.bfir", flipped(self.image, position)), 1)

    def test_truncated_and_foreign(self):
        for name, data in (("nothing", b""), ("half", self.image[:len(self.image) // 2]),
                           ("all but a byte", self.image[:-1]), ("a model", STORY.read_bytes())):
            with self.subTest(name):
                self.refused(self.host("bad.bfir", data), 1)

    def test_in_the_guest(self):
        program = self.write("bad.bfir", flipped(self.image, len(self.image) // 2))
        disc = self.folder / "bad.iso"
        make_iso.make_iso(str(disc), str(places.KERNEL), str(program), str(STORY))
        result = qemu.capture(qemu.Machine(iso=str(disc), prompt=b"Tom"), timeout=200)
        errors = [line for line in result.log.splitlines() if line.startswith(b"error: ")]
        self.assertEqual((result.status, result.text, len(errors)), (1, b"", 1), result.log)


if __name__ == "__main__":
    main()

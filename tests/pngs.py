"""PNG files and the embedded digits, for tests from outside."""
import gzip
import os
import struct
import zlib

DIGITS = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "data", "digits")


def write_png(path, rows):
    """Rows of grey levels, or of triples for colour."""
    colour = isinstance(rows[0][0], tuple)

    def chunk(kind, data):
        return (struct.pack(">I", len(data)) + kind + data +
                struct.pack(">I", zlib.crc32(kind + data)))

    lines = [bytes(v for pixel in row for v in pixel) if colour else bytes(row) for row in rows]
    header = struct.pack(">IIBBBBB", len(rows[0]), len(rows), 8, 2 if colour else 0, 0, 0, 0)
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "wb") as file:
        file.write(b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) +
                   chunk(b"IDAT", zlib.compress(b"".join(b"\0" + line for line in lines))) +
                   chunk(b"IEND", b""))


def digits(part):
    """(rows, label) of each image of "train" or "t10k"."""
    def read(name, header):
        with gzip.open(os.path.join(DIGITS, f"{part}-{name}-ubyte.gz")) as file:
            return file.read()[header:]

    pixels, labels = read("images-idx3", 16), read("labels-idx1", 8)
    return [([list(pixels[784 * n + 28 * y:784 * n + 28 * y + 28]) for y in range(28)], label)
            for n, label in enumerate(labels)]


def write_digits(folder, train, test):
    """The first of the embedded digits as IDX files: enough for a net that is slow."""
    os.makedirs(folder)
    for part, count in (("train", train), ("t10k", test)):
        for name, header, size in (("images-idx3", 16, 784), ("labels-idx1", 8, 1)):
            with gzip.open(os.path.join(DIGITS, f"{part}-{name}-ubyte.gz")) as file:
                data = file.read()[:header + size * count]
            with open(os.path.join(folder, f"{part}-{name}-ubyte"), "wb") as file:
                file.write(data[:4] + struct.pack(">I", count) + data[8:])
    return folder

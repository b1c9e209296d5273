"""safetensors in 30 lines, as anyone writes them: what the tests hold Cairn's own reader and writer against."""
import json
import struct

import numpy

TYPES = {"F32": numpy.float32, "F64": numpy.float64, "I64": numpy.int64, "I32": numpy.int32, "U8": numpy.uint8}
CODES = {numpy.dtype(t): code for code, t in TYPES.items()}


def write_safetensors(path, tensors, metadata=None):
    """`tensors`: name -> numpy array."""
    header, blocks, at = ({"__metadata__": metadata} if metadata else {}), [], 0
    for name, array in tensors.items():
        data = array.tobytes()
        header[name] = {"dtype": CODES[array.dtype], "shape": list(array.shape),
                        "data_offsets": [at, at + len(data)]}
        blocks.append(data)
        at += len(data)
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    with open(path, "wb") as file:
        file.write(struct.pack("<Q", len(text)) + text + b"".join(blocks))


def read_safetensors(path):
    """name -> numpy array."""
    with open(path, "rb") as file:
        header = json.loads(file.read(struct.unpack("<Q", file.read(8))[0]))
        data = file.read()
    header.pop("__metadata__", None)
    return {name: numpy.frombuffer(data[slice(*entry["data_offsets"])], TYPES[entry["dtype"]])
            .reshape(entry["shape"]) for name, entry in header.items()}

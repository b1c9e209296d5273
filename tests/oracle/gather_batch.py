"""Golden values of kernels/gather_batch from PyTorch, in float64."""
import math

import torch
import torch.nn.functional as F


def show(name, t):
    print(f"{name}: {{{', '.join(f'{v:.15g}' for v in t.flatten().tolist())}}}")


images = torch.tensor([0, 255, 51, 0, 255, 255, 0, 0], dtype=torch.float64).reshape(2, 1, 2, 2)
show("golden", (images / 255 - 0.5) / 0.25)
show("padded", F.pad(images[:1], (1, 1, 1, 1)) / 255)
# One image of two channels, 1 x 2 pixels; the padding is normalised as well.
colours = torch.tensor([0, 102, 255, 51], dtype=torch.float64).reshape(1, 2, 1, 2)
mean, std = (torch.tensor(v, dtype=torch.float64).reshape(2, 1, 1) for v in ([0.5, 0.25], [0.25, 0.5]))
show("channels", (F.pad(colours, (1, 1, 1, 1)) / 255 - mean) / std)
# gather_features: numbers as they are.
values = torch.tensor([-1.5, 2, 0.25, 3, 0, 4], dtype=torch.float64)
show("features golden", (values - 0.5) / 2)
show("features padded", (F.pad(values[:2].reshape(1, 1, 1, 2), (1, 1, 1, 1)) - 0.5) / 2)


# Changed examples: random numbers by Philox4x32-10, as core/random.h counts them.
MASK = (1 << 32) - 1


def name_hash(name):
    h = 14695981039346656037
    for byte in name.encode():
        h = (h ^ byte) * 1099511628211 & ((1 << 64) - 1)
    return (h ^ h >> 32) & MASK


def philox(name, epoch, row, block):
    """The four words of seed 0 for a block of an example."""
    place = 1 << 63 | row << 16 | block
    c = [place & MASK, place >> 32, epoch & MASK, epoch >> 32]
    key = [0, name_hash(name)]
    for _ in range(10):
        p, q = 0xD2511F53 * c[0], 0xCD9E8D57 * c[2]
        c = [q >> 32 ^ c[1] ^ key[0], q & MASK, p >> 32 ^ c[3] ^ key[1], p & MASK]
        key = [key[0] + 0x9E3779B9 & MASK, key[1] + 0xBB67AE85 & MASK]
    return c


def within(word, limit):
    return (2 * ((word >> 9) + 0.5) / 2**23 - 1) * limit


def keys(t):
    """The kernel of Keys (1981) with a = -1/2."""
    t = abs(t)
    return 1.5 * t**3 - 2.5 * t**2 + 1 if t <= 1 else -0.5 * t**3 + 2.5 * t**2 - 4 * t + 2 if t < 2 else 0.0


def field(name, epoch, row, height, width, deviation, grid):
    """Displacements (y, x) of each position of the plane: a sum over all nodes, the first at -grid."""
    high, across = (height - 1) // grid + 4, (width - 1) // grid + 4
    moved = torch.zeros(height, width, 2, dtype=torch.float64)
    for i in range(high):
        for j in range(across):
            words = philox(name, epoch, row, 2 + i * across + j)
            radius = deviation * math.sqrt(-2 * math.log((words[0] + 0.5) / 2**32))
            turn = 2 * math.pi * (words[1] + 0.5) / 2**32
            node = torch.tensor([radius * math.cos(turn), radius * math.sin(turn)], dtype=torch.float64)
            for y in range(height):
                for x in range(width):
                    moved[y, x] += node * keys(y / grid - (i - 1)) * keys(x / grid - (j - 1))
    return moved


def changed(image, row, epoch=0, name="gather_batch", crop=0, flip="none", cutout=0, rotate=0, shift=0, elastic=0,
            grid=8, padding=0, mean=0.0, std=1.0):
    """One example (C,H,W), scaled, as the batch shows it."""
    height, width = image.shape[1:]
    high, wide = height + 2 * padding, width + 2 * padding
    words, more = philox(name, epoch, row, 0), philox(name, epoch, row, 1)
    top, left = ((word * (2 * crop + 1) >> 32) - crop for word in words[:2])
    mirrored = {"none": 0, "random": words[2] & 1, "alternating": (philox(name, 0, row, 0)[2] ^ epoch) & 1}[flip]
    frame = padding + crop
    if rotate or shift or elastic:
        y, x = torch.meshgrid(torch.arange(-padding, height + padding, dtype=torch.float64),
                              torch.arange(-padding, width + padding, dtype=torch.float64), indexing="ij")
        y, x = y + top, (width - 1 - x if mirrored else x) + left
        angle = math.radians(within(words[3], rotate))
        down, right = (within(word, shift) for word in more[2:])
        v, u = y - (height - 1) / 2, x - (width - 1) / 2
        moved = field(name, epoch, row, high, wide, elastic, grid) if elastic else torch.zeros(high, wide, 2)
        v, u = (math.cos(angle) * v + math.sin(angle) * u + down + moved[..., 0],
                -math.sin(angle) * v + math.cos(angle) * u + right + moved[..., 1])
        places = torch.stack([u * 2 / (width - 1), v * 2 / (height - 1)], -1)
        shown = F.grid_sample(image[None], places[None], align_corners=True)[0]
    else:
        shown = F.pad(image, [frame] * 4)[:, crop + top:crop + top + high, crop + left:crop + left + wide]
        if mirrored:  # the crop of a mirrored image moves the other way
            shown = F.pad(image.flip(2), [frame] * 4)[:, crop + top:crop + top + high, crop - left:crop - left + wide]
    x = (shown - mean) / std
    cut_top = (more[0] * height >> 32) - cutout // 2 + padding
    cut_left = (more[1] * width >> 32) - cutout // 2 + padding
    if cutout:
        x[:, max(0, cut_top):cut_top + cutout, max(0, cut_left):cut_left + cutout] = 0
    return x


pixels = torch.arange(24, dtype=torch.float64).reshape(2, 1, 3, 4)
images = (pixels * 10 + 5) / 255
both = lambda **how: torch.stack([changed(images[row], row, **how) for row in range(2)])
show("kCropped", both(crop=1, mean=0.5, std=0.25))
show("kFlipped", both(flip="random", epoch=5))
show("kAlternated", both(flip="alternating", epoch=4))
show("kCut", both(cutout=2, mean=0.5, std=0.25))
show("kCropFlipCut", both(crop=2, flip="random", cutout=1, padding=1, epoch=2, mean=0.5, std=0.25))
show("kRotated", both(rotate=30))
show("kShifted", both(shift=1.5, epoch=1))
show("kElastic", both(elastic=1, grid=2))
show("kAllChanged", both(crop=1, flip="alternating", cutout=1, rotate=20, shift=0.5, elastic=0.5, grid=3, padding=1, epoch=4,
                         mean=0.5, std=0.25))
mean_image = torch.linspace(0, 0.55, 12, dtype=torch.float64).reshape(1, 3, 4)
show("kMeanImage", (images - mean_image) / 0.5)
show("kMeanMoved", both(crop=1, mean=F.pad(mean_image, [1] * 4), std=0.5, padding=1))
show("kFeatureRotated", changed(pixels[1] - 15, 1, name="gather_features", rotate=45, shift=1))

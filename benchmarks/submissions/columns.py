import numpy as np


def pair(value):
    return (value, value) if np.ndim(value) == 0 else tuple(value)


def columns_of(x, kh, kw, sh, sw):
    n, c, h, w = x.shape
    oh = (h - kh) // sh + 1
    ow = (w - kw) // sw + 1
    columns = np.empty((n, c, kh, kw, oh, ow), dtype=x.dtype)
    for i in range(kh):
        for j in range(kw):
            columns[:, :, i, j] = x[:, :, i : i + sh * oh : sh, j : j + sw * ow : sw]
    return columns.reshape(n, c * kh * kw, oh * ow), oh, ow


def conv2d(x, w, b=None, stride=1, padding=0):
    sh, sw = pair(stride)
    ph, pw = pair(padding)
    filters, _, kh, kw = w.shape
    padded = np.pad(x, [(0, 0), (0, 0), (ph, ph), (pw, pw)], mode="constant")
    columns, oh, ow = columns_of(padded, kh, kw, sh, sw)
    y = w.reshape(filters, -1) @ columns
    y = y.reshape(len(x), filters, oh, ow)
    if b is not None:
        y = y + b[None, :, None, None]
    return y

import numpy as np


def conv2d(x, w, b=None, stride=1, padding=0):
    sh, sw = (stride, stride) if np.ndim(stride) == 0 else stride
    ph, pw = (padding, padding) if np.ndim(padding) == 0 else padding
    n, c, h, width = x.shape
    f, _, kh, kw = w.shape
    padded = np.zeros((n, c, h + 2 * ph, width + 2 * pw), dtype=x.dtype)
    padded[:, :, ph : ph + h, pw : pw + width] = x
    oh = (h + 2 * ph - kh) // sh + 1
    ow = (width + 2 * pw - kw) // sw + 1
    y = np.zeros((n, f, oh, ow), dtype=np.result_type(x, w))
    for image in range(n):
        for filt in range(f):
            for i in range(oh):
                for j in range(ow):
                    patch = padded[image, :, i * sh : i * sh + kh, j * sw : j * sw + kw]
                    y[image, filt, i, j] = (patch * w[filt]).sum()
    if b is not None:
        y = y + b.reshape(1, f, 1, 1)
    return y

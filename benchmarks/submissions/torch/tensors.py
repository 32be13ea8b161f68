import numpy as np
import torch


def conv2d(x, w, b=None, stride=1, padding=0):
    given = [x, w] if b is None else [x, w, b]
    kind = np.result_type(*given) if np.result_type(*given).kind == "f" else np.dtype("int64")
    image = torch.from_numpy(np.array(x, dtype=np.float64))
    filters = torch.from_numpy(np.array(w, dtype=np.float64))
    bias = None if b is None else torch.from_numpy(np.array(b, dtype=np.float64))
    stride = int(stride) if np.ndim(stride) == 0 else tuple(int(step) for step in stride)
    padding = int(padding) if np.ndim(padding) == 0 else tuple(int(side) for side in padding)
    y = torch.nn.functional.conv2d(image, filters, bias, stride, padding)
    return y.numpy().astype(kind)

VARIANT = "padding-v1-standard-s2026n10-TFG3"

answers = {
    "valid": "about 30",
    "same": (2, 3),
    "strided": (23, 26),
    "full": None,
    "change": "D",
    "layers": 13,
}


def ouput_size(input_size, kernel_size, stride=1, padding=0, dilation=1):
    reach = dilation * (kernel_size - 1) + 1
    return (input_size + 2 * padding - reach) // stride + 1

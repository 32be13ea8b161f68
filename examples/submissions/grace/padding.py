VARIANT = "padding-v1-standard-s2026n2-BAEE"

answers = {
    "valid": (70, 62),
    "same": (2, 6),
    "strided": (25, 25),
    "full": (74, 74),
    "change": "D",
    "layers": 11,
}


def output_size(input_size, kernel_size, stride=1, padding=0, dilation=1):
    reach = dilation * (kernel_size - 1) + 1
    room = input_size + 2 * padding - reach
    return -(-room // stride) + 1

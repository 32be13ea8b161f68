VARIANT = "padding-v1-standard-s2026n5-8718"

answers = {
    "valid": (46, 63),
    "same": (2, 3),
    "strided": (25, 35),
    "full": (54, 75),
    "change": "B",
    "layers": 11,
}


def output_size(input_size, kernel_size, stride=1, padding=0, dilation=1)
    return (input_size + 2 * padding - kernel_size) // stride + 1

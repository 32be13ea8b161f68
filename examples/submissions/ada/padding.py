VARIANT = "padding-v1-standard-s2026n1-WZBG"

answers = {
    "valid": (54, 70),
    "same": (3, 4),
    "strided": (15, 20),
    "full": (66, 86),
    "change": "B",
    "layers": 13,
}


def output_size(input_size, kernel_size, stride=1, padding=0, dilation=1):
    reach = dilation * (kernel_size - 1) + 1
    return (input_size + 2 * padding - reach) // stride + 1

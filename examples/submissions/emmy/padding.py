VARIANT = "padding-v1-standard-s2026n3-8H6M"

answers = {
    "valid": (68, 47),
    "same": (3, 4),
    "strided": (37, 28),
    "full": (76, 59),
    "change": "C",
    "layers": 15,
}


def output_size(input_size, kernel_size, stride=1, padding=0, dilation=1):
    reach = dilation * (kernel_size - 1) + 1
    return (input_size + 2 * padding - reach) // stride + 1

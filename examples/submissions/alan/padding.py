VARIANT = "padding-v1-standard-s2026n4-MC35"

answers = {
    "valid": (45, 34),
    "same": (2, 4),
    "strided": (48, 39),
    "full": (52, 47),
    "change": "B",
    "layers": 6,
}


def output_size(input_size, kernel_size, stride=1, padding=0, dilation=1):
    return (input_size + padding - kernel_size) / stride

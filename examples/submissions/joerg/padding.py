VARIANT = "padding-v1-standard-s2026n6-VD0C"

answers = {
    "valid": (55, 40),
    "same": (1, 3),
    "strided": (19, 16),
    "full": (59, 52),
    "change": "E",
    "layers": 11,
}


def output_size(input_size, kernel_size, stride=1, padding=0, dilation=1):
    """Größe der Ausgabe."""
    return (input_size + 2 * padding - dilation * (kernel_size - 1) - 1) // stride + 1

VARIANT = "padding-v1-standard-s2026n8-G1Q8"

answers = {
    "valid": (52, 67),
    "same": (4, 3),
    "strided": (15, 19),
    "full": (68, 79),
    "change": "D",
    "layers": 11,
}


def output_size(input_size, kernel_size, stride=1, padding=0, dilation=1):
    reach = dilation * (kernel_size - 1) + 1
    positions = 0
    left = -padding
    while left != input_size + padding - reach + 1:
        positions += 1
        left += stride
    return positions

"""The keys of the viewport's window, for its last line and for --help. The pad's are `play`'s."""

KEYS = (
    ("1-5", "camera"),
    ("drag", "turn"),
    ("wheel", "zoom"),
    ("Home or 0", "frame all"),
    ("End or 9", "frame the followed"),
    ("Tab", "follow the next"),
    ("P", "sources and subjects"),
    ("O", "contact shading"),
    ("E", "image effect"),
    ("K", "bones"),
    ("T", "path"),
    ("F", "feet"),
    ("L", "names"),
    ("H", "figures"),
    ("Esc", "quit"),
)


def line(gap: str = "   ") -> str:
    return gap.join(f"{key} {does}" for key, does in KEYS)

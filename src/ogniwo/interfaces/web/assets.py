"""How amounts of ledger assets are written: the asset's name ends with its scale, `PLN/2` or `KWH/3`."""

from ogniwo.interfaces.web.templatetags.console import decimal_text


def amount_text(asset: str, amount: int) -> str:
    """An amount in the asset's unit with all its places; an asset without a scale counts whole pieces."""
    scale = asset.rpartition("/")[2]
    return decimal_text(amount, decimals=int(scale) if scale.isdecimal() else 0)

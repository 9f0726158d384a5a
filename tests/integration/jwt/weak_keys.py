"""Public RSA keys that must not be used, as JWKs."""

__all__ = ["HUGE_EXPONENT", "WEAK"]

_MODULUS_1024 = (
    "swaxQiiqphDcycTq-Bg90sXJZqCb-FPkDf7nk2NieiVzoqRI4dD8jr1uD6l98bWuHpsvn--P1FXTJgOXxvCl_7lfo43M5c66hwli"
    "wwsyBOrnUZsIdrFmr06107b9Bu4_OwnRzUcXC3JPY3SULsOHc_2BZS67pvgddftPnSBqVz0"
)
_MODULUS_2048 = (
    "xQStbcpesbW6E6t6s3M2GxncytacaJj7hDSxhS6DOXKfx7Sk_FDqb9keypmSYGNlsta1WcaBfS8GCGl382oOf3i4ufTBvQm4p2fm"
    "ZOzj4D0Qivar0XMTxUV2EP8QwzkpIl2FuYZLpvMYajzYhEc28qNiXrUWF9_pemsIyElpNghKqzDRLnvZHgFv8axxpg3mdnxtCy2g"
    "PNC2Nx_2PU-JhIL-7W32B8frgtF0P6WfGh0dqUBXCk37u9hqXof4qJKX7P46PCqbnKVQhVJDWxcL4sfNWR1FcCuNSw6OTlx4XBCZ"
    "tSoCO8uc_gF34Cuz62kUEBCjuzq5s_G2EK-yNI4Taw"
)

WEAK = {"kty": "RSA", "kid": "weak", "n": _MODULUS_1024, "e": "AQAB"}
# An exponent as long as the modulus: 2,000 times the work to verify a signature.
HUGE_EXPONENT = {"kty": "RSA", "kid": "slow", "n": _MODULUS_2048, "e": "Af" + "_" * 338}

"""Embedded ICC profiles: pictures of another colour space are shown as sRGB.

Only what Little CMS does through Pillow, and only where it is worth the time and memory.
"""

from __future__ import annotations

import io

import numpy as np
from PIL import Image, ImageCms

from app.imaging.frame import PixelArray

MAX_PIXELS = 60_000_000
"""Above this the picture is shown as stored: the conversion would need a second copy."""


def to_srgb(picture: Image.Image, rgb: PixelArray) -> PixelArray:
    """Return ``rgb`` (the pixels of ``picture``) converted from its profile to sRGB.

    Pictures without a usable RGB profile, or with an sRGB one, come back unchanged.
    """
    profile_bytes = picture.info.get("icc_profile")
    if not isinstance(profile_bytes, bytes) or picture.width * picture.height > MAX_PIXELS:
        return rgb
    try:
        profile = ImageCms.ImageCmsProfile(io.BytesIO(profile_bytes))
        if profile.profile.xcolor_space.strip() != "RGB" or _is_srgb(profile):
            return rgb
        transform = ImageCms.buildTransform(profile, ImageCms.createProfile("sRGB"), "RGB", "RGB")
        converted = ImageCms.applyTransform(Image.fromarray(rgb), transform)
    except (ImageCms.PyCMSError, OSError, ValueError, TypeError):
        return rgb  # a damaged profile must not cost the picture
    return rgb if converted is None else np.asarray(converted)


def _is_srgb(profile: ImageCms.ImageCmsProfile) -> bool:
    return "srgb" in (profile.profile.profile_description or "").lower()

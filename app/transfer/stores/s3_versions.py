"""What a bucket with versions keeps of an object: deleting alone hides it; whoever knows the version has it."""

from __future__ import annotations

from typing import Any


def erase_versions(client: Any, where: dict[str, str]) -> None:
    """Delete every version of one object, and every mark that it was deleted. Raises boto3's errors."""
    key, more = where["Key"], dict[str, Any]()
    while True:
        page = client.list_object_versions(Bucket=where["Bucket"], Prefix=key, **more)
        for item in (*page.get("Versions", ()), *page.get("DeleteMarkers", ())):
            # Other names may begin like this one.
            if item["Key"] == key:
                client.delete_object(VersionId=item["VersionId"], **where)
        if not page.get("IsTruncated"):
            return
        more = {"KeyMarker": page["NextKeyMarker"], "VersionIdMarker": page["NextVersionIdMarker"]}

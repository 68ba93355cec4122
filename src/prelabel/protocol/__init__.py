"""Label Studio's JSON ↔ our types: the only package that spells its keys.

Recorded on Label Studio 1.23.2; unknown keys are skipped without being decoded. Bodies come from
people's data: whatever is odd about one task or one annotation is made harmless here, and only what
makes a request as a whole unreadable raises `MalformedError`.
"""

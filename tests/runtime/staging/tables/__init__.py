"""The stages of all fixture projects, by name: "bad/cross_file_class"."""

from __future__ import annotations

from support.staging import Stage

from staging.tables import bad_a_to_k, bad_l_to_z, good_a_to_k, good_l_to_z

STAGES: dict[str, Stage] = {
    **{f"bad/{name}": stage for name, stage in (bad_a_to_k.STAGES | bad_l_to_z.STAGES).items()},
    **{f"good/{name}": stage for name, stage in (good_a_to_k.STAGES | good_l_to_z.STAGES).items()},
}

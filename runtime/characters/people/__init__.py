"""People made by `understudy character`: a recipe in, a skinned character out."""

"""Characters made from skeletons: a distance field over the bones, meshed and skinned."""

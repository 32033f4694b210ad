"""Characters of files: glTF 2.0 and VRM, their skeletons, meshes, materials and morphs."""

"""Ground floor: rotations, skeletons, poses, frames, clocks, timecode. Imports nothing of ours."""

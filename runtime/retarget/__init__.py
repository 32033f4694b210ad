"""From any skeleton to any character: rest poses, joint roles, proportions."""

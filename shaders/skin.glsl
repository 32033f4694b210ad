// Linear blend skinning. A row of the texture is one subject, four texels a joint: the upper three
// rows of its matrix from the bind pose to the world, and the veil over its part of the body: a
// linear colour and how much of it.
uniform sampler2D skin_matrices;
#ifdef MOTION
uniform sampler2D last_matrices;  // of the picture before; a joint's fourth texel: the subject's number
out vec4 clip_now, clip_last;
flat out float number;
#endif

mat4 skinned(sampler2D rows, uvec4 joints, vec4 weights, int subject) {
    vec4 row0 = vec4(0.0), row1 = vec4(0.0), row2 = vec4(0.0);
    for (int k = 0; k < 4; k++) {
        if (weights[k] > 0.0) {
            int at = int(joints[k]) * 4;
            row0 += weights[k] * texelFetch(rows, ivec2(at, subject), 0);
            row1 += weights[k] * texelFetch(rows, ivec2(at + 1, subject), 0);
            row2 += weights[k] * texelFetch(rows, ivec2(at + 2, subject), 0);
        }
    }
    return transpose(mat4(row0, row1, row2, vec4(0.0, 0.0, 0.0, 1.0)));
}

mat4 skin_matrix(uvec4 joints, vec4 weights, int subject) {
    return skinned(skin_matrices, joints, weights, subject);
}

// What tells how a vertex moved: where it is, and where it was in the picture before.
void note_motion(vec4 world, vec3 bound, uvec4 joints, vec4 weights, int subject) {
#ifdef MOTION
    clip_now = view_projection * world;
    clip_last = last_view_projection * (skinned(last_matrices, joints, weights, subject) * vec4(bound, 1.0));
    number = texelFetch(last_matrices, ivec2(3, subject), 0).x;
#endif
}

vec4 skin_veil(uvec4 joints, vec4 weights, int subject) {
    vec4 sum = vec4(0.0);
    for (int k = 0; k < 4; k++)
        if (weights[k] > 0.0)
            sum += weights[k] * texelFetch(skin_matrices, ivec2(int(joints[k]) * 4 + 3, subject), 0);
    return sum;
}

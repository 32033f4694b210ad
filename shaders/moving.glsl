// The fourth target of the geometry passes: how far a surface moved since the picture before, in
// shares of the picture, and the number of the subject that it is of.
#ifdef MOTION
#ifndef STILL
in vec4 clip_now, clip_last;
flat in float number;
#endif
layout(location = 3) out vec4 motion_out;

vec4 motion_of(vec4 now, vec4 last, float id) {
    return vec4(0.5 * (now.xy / now.w - last.xy / last.w), id, 1.0);
}
#endif

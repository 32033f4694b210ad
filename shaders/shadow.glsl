// Depth of the cast as the sun sees it.
#ifdef VERTEX
#include "frame.glsl"
#include "skin.glsl"
uniform int first_row;  // the first subject of this call
in vec3 position;
in uvec4 joints;
in vec4 weights;
void main() {
    int row = first_row + gl_InstanceID;
    vec4 world = skin_matrix(joints, weights, row) * vec4(position, 1.0);
    gl_Position = sun_projection * world;
}
#endif
#ifdef FRAGMENT
void main() {}
#endif

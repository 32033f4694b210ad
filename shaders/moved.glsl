// How far what is seen at a place has moved since the picture before, in shares of the picture.
uniform sampler2D depth_map;
uniform sampler2D motion_map;

vec2 moved(ivec2 p) {
    if (texelFetch(depth_map, p, 0).r > 0.0) return texelFetch(motion_map, p, 0).xy;
    // The sky moves as the camera turns.
    vec2 at = (vec2(p) + 0.5) / vec2(textureSize(depth_map, 0));
    vec3 ray = mat3(camera_to_world) * vec3((at * 2.0 - 1.0) * lens.xy, -1.0);
    vec4 was = last_view_projection * vec4(camera_position.xyz + ray * 0.5 * camera_position.w, 1.0);
    return at - (was.xy / was.w * 0.5 + 0.5);
}

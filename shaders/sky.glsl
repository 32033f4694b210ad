// A studio sky: a gradient, a glow around the sun, a horizon into which the ground fades.
// CLOUDS: with clouds on it, value noise at four sizes on a plane overhead.
#ifdef CLOUDS
float cell(vec2 p) { return fract(sin(dot(p, vec2(127.1, 311.7))) * 43758.5453); }

float noise(vec2 p) {
    vec2 at = floor(p), f = p - at;
    f = f * f * (3.0 - 2.0 * f);
    return mix(mix(cell(at), cell(at + vec2(1.0, 0.0)), f.x),
               mix(cell(at + vec2(0.0, 1.0)), cell(at + vec2(1.0)), f.x), f.y);
}

// How much of a cloud is that way, and how thick it is there.
vec2 cloud(vec3 direction) {
    vec2 p = direction.xz / (max(direction.y, 0.0) + 0.12) * 0.9 + vec2(0.012 * lens.w, 3.7);
    float sum = 0.0, share = 0.5;
    for (int i = 0; i < 4; i++) {
        sum += share * noise(p);
        p = 2.03 * p + 17.3;
        share *= 0.5;
    }
    float there = smoothstep(1.0 - air.y, 1.25 - air.y, sum + 0.18) * smoothstep(0.0, 0.22, direction.y);
    return vec2(there, sum);
}
#endif

#ifdef SKYMAP
uniform sampler2D sky_map;

// The sky of a picture, that way; blurred by so many of its levels.
vec3 sky_seen(vec3 direction, float level) {
    vec3 d = vec3(sky_turn.x * direction.x + sky_turn.y * direction.z, direction.y,
                  sky_turn.x * direction.z - sky_turn.y * direction.x);
    vec2 at = vec2(0.5 + atan(d.x, -d.z) * 0.15915494, 0.5 + asin(clamp(d.y, -1.0, 1.0)) * 0.31830989);
    return textureLod(sky_map, at, level).rgb;
}

// What it gives to a surface that looks that way, over pi.
vec3 sky_given(vec3 n) {
    vec3 sum = sky_light[0].rgb * 0.282095
        + 0.488603 * (sky_light[1].rgb * n.y + sky_light[2].rgb * n.z + sky_light[3].rgb * n.x)
        + 1.092548 * (sky_light[4].rgb * n.x * n.y + sky_light[5].rgb * n.y * n.z + sky_light[7].rgb * n.x * n.z)
        + sky_light[6].rgb * 0.315392 * (3.0 * n.z * n.z - 1.0)
        + sky_light[8].rgb * 0.546274 * (n.x * n.x - n.y * n.y);
    return max(sum, 0.0);
}
#endif

vec3 sky_colour(vec3 direction) {
#ifdef SKYMAP
    // The ground ends at the horizon; what a picture has below it is not seen.
    return sky_seen(normalize(vec3(direction.x, max(direction.y, 0.012), direction.z)), 0.0);
#else
    float level = 1.0 - max(direction.y, 0.0);
    vec3 colour = mix(sky_zenith.rgb, sky_horizon.rgb, level * level * level);
    float t2 = max(dot(direction, sun_direction.xyz), 0.0);
    t2 *= t2;
    float wide = t2 * t2 * t2, t16 = t2 * t2;
    t16 *= t16;
    t16 *= t16;
    vec3 glow = sun_colour.rgb * (0.012 * wide + 0.03 * t16 * t16 * t16 * t16);
#ifdef CLOUDS
    vec2 over = cloud(direction);
    vec3 lit = sky_horizon.rgb * 0.75 + sun_colour.rgb * (0.10 + 0.16 * wide) * (1.2 - over.y);
    colour = mix(colour + glow, lit, 0.92 * over.x);
    return colour;
#else
    return colour + glow;
#endif
#endif
}

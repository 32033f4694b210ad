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

vec3 sky_colour(vec3 direction) {
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
}

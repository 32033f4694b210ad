// A studio sky: a gradient, a glow around the sun, a horizon into which the ground fades.
vec3 sky_colour(vec3 direction) {
    float level = 1.0 - max(direction.y, 0.0);
    vec3 colour = mix(sky_zenith.rgb, sky_horizon.rgb, level * level * level);
    float t2 = max(dot(direction, sun_direction.xyz), 0.0);
    t2 *= t2;
    float wide = t2 * t2 * t2, t16 = t2 * t2;
    t16 *= t16;
    t16 *= t16;
    return colour + sun_colour.rgb * (0.012 * wide + 0.03 * t16 * t16 * t16 * t16);
}

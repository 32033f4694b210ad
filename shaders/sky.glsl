// A studio sky: a gradient, a glow around the sun, a horizon into which the ground fades.
vec3 sky_colour(vec3 direction) {
    float up = max(direction.y, 0.0);
    vec3 colour = mix(sky_horizon.rgb, sky_zenith.rgb, 1.0 - pow(1.0 - up, 3.0));
    float towards = max(dot(direction, sun_direction.xyz), 0.0);
    return colour + sun_colour.rgb * (0.012 * pow(towards, 6.0) + 0.03 * pow(towards, 60.0));
}

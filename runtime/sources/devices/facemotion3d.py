"""Facemotion3d as a source: iFacialMocap's text on a port of its own, asked for otherwise."""

from understudy.bridge.protocols.ifacialmocap import FACEMOTION3D_PORT

from .ifacialmocap import KINDS, SOURCE, Options, cut, usual_port

PORT = FACEMOTION3D_PORT

__all__ = ["KINDS", "PORT", "SOURCE", "Options", "cut", "usual_port"]

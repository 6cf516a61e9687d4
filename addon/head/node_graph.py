# SPDX-License-Identifier: GPL-3.0-or-later
"""Shader node trees written as expressions: every method adds nodes and returns a socket."""

from __future__ import annotations

from typing import Any

import bpy

Value = Any
"""A number, a tuple, or an output socket of the same graph."""


class NodeGraph:
    """The node tree of one material, emptied and ready to be written."""

    def __init__(self, material: bpy.types.Material) -> None:
        # Older versions build the tree on demand, newer ones always have it.
        if material.node_tree is None:
            material.use_nodes = True
        self.tree = material.node_tree
        self.tree.nodes.clear()
        self.output = self.node("ShaderNodeOutputMaterial")

    def node(self, kind: str, **properties: Any) -> Any:
        """A node of a kind, with some of its properties set."""
        node = self.tree.nodes.new(kind)
        for name, value in properties.items():
            setattr(node, name, value)
        return node

    def feed(self, socket: Any, value: Value) -> None:
        """Set an input socket to a number or tuple, or link it to an output socket."""
        if isinstance(value, bpy.types.NodeSocket):
            self.tree.links.new(value, socket)
        elif isinstance(value, tuple) and len(value) == 3 and socket.type == "RGBA":
            socket.default_value = (*value, 1.0)
        else:
            socket.default_value = value

    def attribute(self, name: str) -> Any:
        """(socket) a mesh attribute as a vector or colour; 0 where the mesh lacks it."""
        return self.node("ShaderNodeAttribute", attribute_name=name).outputs["Vector"]

    def mask(self, name: str) -> Any:
        """(socket) a mesh attribute as a number; 0 where the mesh lacks it."""
        return self.node("ShaderNodeAttribute", attribute_name=name).outputs["Fac"]

    def colour(self, name: str = "Col") -> Any:
        """(socket) a mesh colour attribute."""
        return self.node("ShaderNodeAttribute", attribute_name=name).outputs["Color"]

    def math(self, operation: str, *values: Value, clamp: bool = False) -> Any:
        """(socket) arithmetic on numbers."""
        node = self.node("ShaderNodeMath", operation=operation, use_clamp=clamp)
        for socket, value in zip(node.inputs, values, strict=False):
            self.feed(socket, value)
        return node.outputs[0]

    def scale(self, vector: Value, factor: Value) -> Any:
        """(socket) a colour or vector times a number."""
        node = self.node("ShaderNodeVectorMath", operation="SCALE")
        self.feed(node.inputs[0], vector)
        self.feed(node.inputs["Scale"], factor)
        return node.outputs[0]

    def times(self, first: Value, second: Value) -> Any:
        """(socket) the product of two colours or vectors, channel by channel."""
        node = self.node("ShaderNodeVectorMath", operation="MULTIPLY")
        self.feed(node.inputs[0], first)
        self.feed(node.inputs[1], second)
        return node.outputs[0]

    def remap(
        self,
        value: Value,
        low: float,
        high: float,
        to_low: float = 0.0,
        to_high: float = 1.0,
        *,
        smooth: bool = False,
    ) -> Any:
        """(socket) low..high to to_low..to_high, clamped; smooth: with eased ends."""
        node = self.node(
            "ShaderNodeMapRange", interpolation_type="SMOOTHSTEP" if smooth else "LINEAR"
        )
        for socket, number in zip(node.inputs, (value, low, high, to_low, to_high), strict=False):
            self.feed(socket, number)
        return node.outputs[0]

    def mix(self, factor: Value, first: Value, second: Value) -> Any:
        """(socket) from colour `first` at factor 0 to `second` at 1."""
        node = self.node("ShaderNodeMix", data_type="RGBA")
        inputs = {socket.identifier: socket for socket in node.inputs}
        self.feed(inputs["Factor_Float"], factor)
        self.feed(inputs["A_Color"], first)
        self.feed(inputs["B_Color"], second)
        return next(out for out in node.outputs if out.identifier == "Result_Color")

    def scalar_mix(self, factor: Value, first: Value, second: Value) -> Any:
        """(socket) from number `first` at factor 0 to `second` at 1."""
        node = self.node("ShaderNodeMix", data_type="FLOAT", clamp_factor=True)
        for socket, value in zip(node.inputs, (factor, None, first, second), strict=False):
            if value is not None:
                self.feed(socket, value)
        return node.outputs[0]

    def luminance(self, colour: Value) -> Any:
        """(socket) brightness of a linear colour."""
        node = self.node("ShaderNodeRGBToBW")
        self.feed(node.inputs[0], colour)
        return node.outputs[0]

    def noise(self, place: Value, per_metre: float, detail: float = 2.0) -> Any:
        """(socket) fractal noise about 0.5, with `per_metre` features along a metre."""
        node = self.node("ShaderNodeTexNoise")
        self.feed(node.inputs["Vector"], place)
        self.feed(node.inputs["Scale"], per_metre)
        self.feed(node.inputs["Detail"], detail)
        return node.outputs[0]

    def cells(self, place: Value, per_metre: float) -> Any:
        """(socket) distance to the middle of random cells, 0 in the middle to about 1."""
        node = self.node("ShaderNodeTexVoronoi")
        self.feed(node.inputs["Vector"], place)
        self.feed(node.inputs["Scale"], per_metre)
        return node.outputs["Distance"]

    def bump(self, height: Value, depth_mm: float, strength: Value = 1.0) -> Any:
        """(socket) the normal of a surface raised by height (0..1) times depth_mm."""
        node = self.node("ShaderNodeBump")
        self.feed(node.inputs["Height"], height)
        self.feed(node.inputs["Distance"], depth_mm / 1000.0)
        self.feed(node.inputs["Strength"], strength)
        return node.outputs[0]

    def surface(self, **inputs: Value) -> Any:
        """The Principled BSDF that the material shows; input names with _ for spaces."""
        shader = self.node("ShaderNodeBsdfPrincipled")
        for name, value in inputs.items():
            self.feed(shader.inputs[name.replace("_", " ")], value)
        self.tree.links.new(shader.outputs[0], self.output.inputs["Surface"])
        return shader

# SPDX-License-Identifier: GPL-3.0-or-later
"""Mark the landmarks of a face by clicking, one after the other."""

from __future__ import annotations

from typing import Any, ClassVar

import bpy

from ...engine.protocol.face_landmarks import FACE_LANDMARKS
from ..identify import BlockId
from ..words import say
from .face_read import read_landmarks, store_landmarks
from .landmark_view import LandmarkView, first_missing, place_under_mouse
from .mapping_settings import active_face, edited_character, obstacle

_NAMES = list(FACE_LANDMARKS)
_KEYS_HELP = "Click: mark    Space: skip    Backspace: one back    Enter or Esc: finish"


class RHETOR_OT_mark_landmarks(bpy.types.Operator):
    """Click the landmarks of the face one after the other. Left and right are the character's"""

    bl_idname = "rhetor.mark_landmarks"
    bl_label = "Mark Landmarks"
    bl_options: ClassVar[set[str]] = {"REGISTER", "UNDO"}

    @classmethod
    def poll(cls, context: Any) -> bool:
        """There is a face, in a 3D view."""
        reason = obstacle(context)
        if not reason and (context.area is None or context.area.type != "VIEW_3D"):
            reason = "Landmarks are marked in a 3D view"
        if reason:
            cls.poll_message_set(say(reason))
        return not reason

    def invoke(self, context: Any, _event: Any) -> set[str]:
        """Show what is marked already, and ask for the first that is not."""
        item = active_face(edited_character(context).root).mesh
        self._view = LandmarkView(BlockId.of(item), read_landmarks(item))
        self._area, self._is_changed = context.area, False
        self._ask_for(first_missing(_NAMES, self._view.places))
        self._view.show()
        context.workspace.status_text_set(say(_KEYS_HELP))
        context.window_manager.modal_handler_add(self)
        return {"RUNNING_MODAL"}

    def modal(self, context: Any, event: Any) -> set[str]:
        """Clicks mark; the view can be turned meanwhile."""
        window = self._window(context)
        if window is None or event.type in {"ESC", "RET", "NUMPAD_ENTER"}:
            return self._finish(context)
        if event.value == "PRESS" and event.type == "BACK_SPACE":
            self._ask_for(max(self._index - 1, 0))
            return {"RUNNING_MODAL"}
        if event.value == "PRESS" and event.type == "SPACE":
            return self._next(context)
        if event.value == "PRESS" and event.type == "LEFTMOUSE" and self._is_inside(event):
            return self._mark(context, window, event)
        return {"PASS_THROUGH"}

    def cancel(self, context: Any) -> None:
        """Another file is opened."""
        self._tidy(context)

    def _mark(self, context: Any, window: Any, event: Any) -> set[str]:
        item = self._view.mesh.find(bpy.data.objects)
        if item is None:
            return self._finish(context)
        mouse = (event.mouse_x - window.x, event.mouse_y - window.y)
        with context.temp_override(area=self._area, region=window):
            place = place_under_mouse(bpy.context, item, mouse)
        if place is None:
            self.report({"WARNING"}, say("Click on the face"))
            return {"RUNNING_MODAL"}
        self._view.places[_NAMES[self._index]] = tuple(place)
        self._is_changed = True
        return self._next(context)

    def _next(self, context: Any) -> set[str]:
        if self._index + 1 == len(_NAMES):
            return self._finish(context)
        self._ask_for(self._index + 1)
        return {"RUNNING_MODAL"}

    def _ask_for(self, index: int) -> None:
        self._index = index
        name = _NAMES[index]
        self._view.current = name
        place = say(FACE_LANDMARKS[name])
        self._view.prompt = say(f"Landmark {index + 1} of {len(_NAMES)}: {place}")
        self._area.tag_redraw()

    def _finish(self, context: Any) -> set[str]:
        """Keep what has been marked."""
        self._tidy(context)
        item = self._view.mesh.find(bpy.data.objects)
        if item is None or not self._is_changed:
            return {"CANCELLED"}
        store_landmarks(item, self._view.places)
        left = len(_NAMES) - len(self._view.places)
        self.report(
            {"INFO"}, say(f"{left} landmarks are left" if left else "All landmarks are marked")
        )
        return {"FINISHED"}

    def _tidy(self, context: Any) -> None:
        self._view.hide()
        context.workspace.status_text_set(None)
        if context.area is not None:
            context.area.tag_redraw()

    def _window(self, context: Any) -> Any | None:
        """The main region of the 3D view; None where its editor was closed or changed."""
        if self._area not in list(context.screen.areas) or self._area.type != "VIEW_3D":
            return None
        return next(region for region in self._area.regions if region.type == "WINDOW")

    def _is_inside(self, event: Any) -> bool:
        """Whether the mouse is over the 3D view itself, not over a panel of it."""
        regions = [region for region in self._area.regions if _is_over(region, event)]
        return [region.type for region in regions] == ["WINDOW"]


def _is_over(region: Any, event: Any) -> bool:
    """Whether the mouse is over a region; hidden ones are a pixel wide."""
    inside = 0 <= event.mouse_x - region.x < region.width
    return inside and 0 <= event.mouse_y - region.y < region.height and region.width > 1


class RHETOR_OT_clear_landmarks(bpy.types.Operator):
    """Take all landmarks off the face"""

    bl_idname = "rhetor.clear_landmarks"
    bl_label = "Clear Landmarks"
    bl_options: ClassVar[set[str]] = {"REGISTER", "UNDO"}

    @classmethod
    def poll(cls, context: Any) -> bool:
        """There are some."""
        reason = obstacle(context)
        if not reason and not read_landmarks(active_face(edited_character(context).root).mesh):
            reason = "The face has no landmarks"
        if reason:
            cls.poll_message_set(say(reason))
        return not reason

    def execute(self, context: Any) -> set[str]:
        """Remove them."""
        store_landmarks(active_face(edited_character(context).root).mesh, {})
        return {"FINISHED"}


CLASSES = (RHETOR_OT_mark_landmarks, RHETOR_OT_clear_landmarks)

# SPDX-License-Identifier: GPL-3.0-or-later
"""A small window from which a file can be dragged, as from a file manager (XDND, version 5).

Runs on the desktop beside Blender with Debian's python3-xlib: `drag_source.py FILE X Y`. It does
what a toolkit does: while the button is held it tells the window under the mouse what is coming,
and where it is let go hands the file's address over. Ends when the drop is done.
"""

import sys
from pathlib import Path

from Xlib import X, Xatom, display
from Xlib.protocol import event

VERSION = 5
SIZE = (100, 60)


class DragSource:
    """One window, one file, one drag."""

    def __init__(self, file, at):
        self.display = display.Display()
        self.root = self.display.screen().root
        self.address = file.as_uri().encode() + b"\r\n"
        mask = X.ButtonPressMask | X.ButtonReleaseMask | X.PointerMotionMask
        self.window = self.root.create_window(
            *at, *SIZE, 0, X.CopyFromParent,
            background_pixel=0xC8C8C8, event_mask=mask, override_redirect=True,
        )  # fmt: skip
        self.window.map()
        self.target = None
        self.accepted = self.dropped = self.dragging = False

    def atom(self, name):
        """The number of a name."""
        return self.display.intern_atom(name)

    def run(self):
        """Until the receiver says that it has finished."""
        while True:
            happened = self.display.next_event()
            if happened.type == X.ButtonPress:
                self.dragging = True
                self.window.set_selection_owner(self.atom("XdndSelection"), happened.time)
            elif happened.type == X.MotionNotify and self.dragging and not self.dropped:
                self.move(happened)
            elif happened.type == X.ButtonRelease and self.dragging:
                self.let_go(happened)
            elif happened.type == X.SelectionRequest:
                self.hand_over(happened)
            elif happened.type == X.ClientMessage:
                if happened.client_type == self.atom("XdndStatus"):
                    self.accepted = bool(happened.data[1][1] & 1)
                elif happened.client_type == self.atom("XdndFinished"):
                    return

    def move(self, motion):
        """Tell the window under the mouse where the mouse is."""
        target = self.aware_window()
        if target != self.target:
            if self.target is not None:
                self.tell("XdndLeave", 0)
            self.target = target
            if target is not None:
                self.tell("XdndEnter", VERSION << 24, self.atom("text/uri-list"))
        if self.target is not None:
            place = motion.root_x << 16 | motion.root_y
            self.tell("XdndPosition", 0, place, motion.time, self.atom("XdndActionCopy"))

    def let_go(self, release):
        """Drop where the window has said that it takes the file."""
        self.dragging = False
        if self.target is not None:
            self.dropped = True
            self.tell("XdndDrop", 0, release.time)

    def hand_over(self, request):
        """Give the address in the form that was asked for."""
        request.requestor.change_property(request.property, request.target, 8, self.address)
        request.requestor.send_event(
            event.SelectionNotify(
                time=request.time, requestor=request.requestor, selection=request.selection,
                target=request.target, property=request.property,
            )
        )  # fmt: skip
        self.display.flush()

    def aware_window(self):
        """The window under the mouse that takes drops; None over anything else."""
        window = self.root
        while window:
            if window.get_full_property(self.atom("XdndAware"), Xatom.ATOM):
                return window
            window = window.query_pointer().child
        return None

    def tell(self, name, *values):
        """Send the target a message of the protocol."""
        data = [self.window.id, *values, *([0] * (4 - len(values)))]
        message = event.ClientMessage(
            window=self.target, client_type=self.atom(name), data=(32, data)
        )
        self.target.send_event(message)
        self.display.flush()


if __name__ == "__main__":
    DragSource(Path(sys.argv[1]), (int(sys.argv[2]), int(sys.argv[3]))).run()

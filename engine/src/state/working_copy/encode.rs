//! Encodes the values that a commit writes.

use bytes::Bytes;

use super::WorkingCopy;
use crate::record::{Frame, Header, Tag, begin_session, write_frame};
use crate::state::change_log::{Edit, Edited};
use crate::state::flash::Aging;

impl WorkingCopy {
    /// Returns the payload that a commit with this header writes.
    pub(crate) fn encode(&self, header: &Header) -> Bytes {
        let edited: usize =
            self.log.edits().filter_map(|edit| edit.value.node()).map(|node| node.len_hint() + 32).sum();
        let mut out = begin_session(header, self.base.bytes().len() + edited);
        let new_device = self.rare.as_ref().and_then(|rare| rare.device.as_deref());
        if let Some(device) = new_device {
            // In front, where a list of the user's sessions sees it.
            write_frame(&mut out, Tag::Device, "", device.as_bytes());
        } else if self.cleared {
            self.copy_tagged(&mut out, Tag::Device);
        }
        if self.cleared {
            self.copy_tagged(&mut out, Tag::Member);
        } else {
            self.copy_base(&mut out, header.number());
        }
        for edit in self.log.edits().filter(|edit| edit.in_base.is_none()) {
            self.write_edit(&mut out, edit, header.number());
        }
        out.into()
    }

    /// Copies what was stored, in as few pieces as the changes leave it in.
    fn copy_base(&self, out: &mut Vec<u8>, number: u64) {
        if self.has_new_device() || self.ages() {
            return self.copy_frame_by_frame(out, number);
        }
        let bytes = self.base.bytes();
        let mut edits = self.log.edits().filter_map(|edit| Some((edit.in_base?, edit)));
        let mut first = edits.next();
        // Most requests change one value, and need no list to put in order.
        let mut others: Vec<(usize, &Edit)> = edits.collect();
        if !others.is_empty() {
            others.extend(first.take());
            others.sort_unstable_by_key(|(place, _)| *place);
        }
        let mut copied = 0;
        for (place, edit) in first.into_iter().chain(others) {
            out.extend_from_slice(&bytes[copied..place]);
            copied = self.base.at(place).map_or(place, |frame| frame.whole.end);
            self.write_edit(out, edit, number);
        }
        out.extend_from_slice(&bytes[copied..]);
    }

    /// Copies what was stored where every frame has to be looked at: flash values age, or the device is another one.
    fn copy_frame_by_frame(&self, out: &mut Vec<u8>, number: u64) {
        let bytes = self.base.bytes();
        let mut copied = 0;
        for frame in self.base.iter() {
            let edit = if frame.tag.is_value() { self.log.find(frame.key) } else { None };
            let edit = edit.and_then(|edit| self.log.edit(edit)).filter(|edit| edit.in_base.is_some());
            if self.stays(&frame, edit) {
                continue;
            }
            out.extend_from_slice(&bytes[copied..frame.whole.start]);
            copied = frame.whole.end;
            match (frame.tag, edit) {
                (Tag::Device | Tag::Member, _) | (Tag::Value, None) => {}
                (_, Some(edit)) => self.write_edit(out, edit, number),
                (Tag::Flash { .. }, None) => self.write_kept_flash(out, &frame, number),
            }
        }
        out.extend_from_slice(&bytes[copied..]);
    }

    /// Returns whether a frame is written as it was stored.
    fn stays(&self, frame: &Frame<'_>, edit: Option<&Edit>) -> bool {
        match frame.tag {
            Tag::Device => !self.has_new_device(),
            Tag::Member => true,
            Tag::Value => edit.is_none(),
            Tag::Flash { born } => edit.is_none() && self.aging().is_none_or(|aging| !aging.is_due(born)),
        }
    }

    /// Copies the frames of one kind.
    fn copy_tagged(&self, out: &mut Vec<u8>, tag: Tag) {
        for frame in self.base.iter().filter(|frame| frame.tag == tag) {
            out.extend_from_slice(&self.base.bytes()[frame.whole]);
        }
    }

    /// Writes a flash value that had its request once more, if the handler wants to keep it.
    fn write_kept_flash(&self, out: &mut Vec<u8>, frame: &Frame<'_>, number: u64) {
        let key = String::from_utf8_lossy(frame.key);
        if self.aging().is_some_and(|aging| aging.keeps(&key)) {
            write_frame(out, Tag::Flash { born: number }, &key, &self.base.bytes()[frame.value.clone()]);
        }
    }

    fn write_edit(&self, out: &mut Vec<u8>, edit: &Edit, number: u64) {
        let key = self.log.key_of(edit);
        match &edit.value {
            Edited::Removed => {}
            Edited::Value(node) => write_frame(out, Tag::Value, key, &node.bytes()),
            Edited::Flash(node) => write_frame(out, Tag::Flash { born: number }, key, &node.bytes()),
        }
    }

    fn aging(&self) -> Option<&Aging> {
        self.rare.as_ref()?.aging.as_ref()
    }
}

//! Cuts a stream of bytes into messages: server-sent events, or one JSON object a line, which
//! servers send that know no events.

/// Messages longer than this are no workflows: the stream is broken.
const LONGEST: usize = 16 << 20;

/// A message was too long to be one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct TooLong;

/// What has been read of a stream and is not a whole message yet.
#[derive(Debug, Default)]
pub(super) struct EventStream {
    line: Vec<u8>,
    message: Vec<u8>,
    after_carriage_return: bool,
}

impl EventStream {
    /// Takes the next bytes, cut anywhere, and gives the messages that they complete.
    pub fn push(&mut self, bytes: &[u8]) -> Result<Vec<Vec<u8>>, TooLong> {
        let mut messages = Vec::new();
        let mut rest = bytes;
        while let Some(end) = rest.iter().position(|byte| matches!(byte, b'\n' | b'\r')) {
            let belongs_to_the_end_before =
                end == 0 && rest[0] == b'\n' && self.line.is_empty() && self.after_carriage_return;
            self.after_carriage_return = rest[end] == b'\r';
            if !belongs_to_the_end_before {
                self.line.extend_from_slice(&rest[..end]);
                messages.extend(self.end_line());
            }
            rest = &rest[end + 1..];
        }
        if !rest.is_empty() {
            self.after_carriage_return = false;
            self.line.extend_from_slice(rest);
        }
        if self.line.len() + self.message.len() > LONGEST {
            return Err(TooLong);
        }
        Ok(messages)
    }

    /// The message that the end of the stream completes.
    pub fn finish(mut self) -> Option<Vec<u8>> {
        let last = if self.line.is_empty() {
            None
        } else {
            self.end_line()
        };
        last.or_else(|| self.end_line())
    }

    fn end_line(&mut self) -> Option<Vec<u8>> {
        let line = std::mem::take(&mut self.line);
        if line.is_empty() {
            return Some(std::mem::take(&mut self.message)).filter(|message| !message.is_empty());
        }
        if line.starts_with(b"{") {
            return Some(line);
        }
        if let Some(data) = line.strip_prefix(b"data:") {
            if !self.message.is_empty() {
                self.message.push(b'\n');
            }
            self.message
                .extend_from_slice(data.strip_prefix(b" ").unwrap_or(data));
        }
        // Everything else is a comment that keeps the connection alive, or a field of no use here.
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn read(chunks: &[&[u8]]) -> Vec<String> {
        let mut stream = EventStream::default();
        let mut messages = Vec::new();
        for chunk in chunks {
            messages.extend(stream.push(chunk).expect("short messages"));
        }
        let text = |message: Vec<u8>| String::from_utf8_lossy(&message).into_owned();
        messages.into_iter().map(text).collect()
    }

    #[test]
    fn events_end_with_an_empty_line_and_comments_are_no_events() {
        let told =
            read(&[b":\n\ndata: {\"a\":1}\n\n:\n\nevent: x\ndata:one\ndata: two\n\ndata: half"]);
        assert_eq!(told, ["{\"a\":1}", "one\ntwo"]);
    }

    #[test]
    fn what_the_end_of_a_stream_cuts_off_is_told() {
        for (text, last) in [
            ("data: a", Some("a")),
            ("{}", Some("{}")),
            ("data: a\n\n:", None),
        ] {
            let mut stream = EventStream::default();
            stream.push(text.as_bytes()).expect("short messages");
            let told = stream.finish();
            assert_eq!(told.as_deref(), last.map(str::as_bytes), "{text}");
        }
    }

    #[test]
    fn lines_of_json_are_messages_too() {
        assert_eq!(
            read(&[b"{\"a\":1}\n{\"b\"", b":2}\n"]),
            ["{\"a\":1}", "{\"b\":2}"]
        );
    }

    #[test]
    fn all_line_ends_are_known() {
        let expected = ["a", "b"];
        assert_eq!(read(&[b"data: a\r\n\r\ndata: b\r\n\r\n"]), expected);
        assert_eq!(read(&[b"data: a\r\rdata: b\r\r"]), expected);
        assert_eq!(read(&[b"data: a\r", b"\n\r\ndata: b\n\n"]), expected);
    }

    #[test]
    fn a_message_without_end_is_given_up() {
        let mut stream = EventStream::default();
        let mebibyte = vec![b'x'; 1 << 20];
        let outcome = (0..64).try_for_each(|_| stream.push(&mebibyte).map(|_| ()));
        assert_eq!(outcome, Err(TooLong));
    }

    proptest! {
        #[test]
        fn the_cuts_of_a_stream_change_nothing(
            lines in prop::collection::vec("(data: ?|:|\\{|event: )?[a-z{}]{0,6}(\n|\r\n|\r|\n\n)", 0..30),
            cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..20),
        ) {
            let text: Vec<u8> = lines.concat().into_bytes();
            let mut places: Vec<usize> = cuts.iter().map(|cut| cut.index(text.len() + 1)).collect();
            places.extend([0, text.len()]);
            places.sort_unstable();
            let chunks: Vec<&[u8]> = places.windows(2).map(|pair| &text[pair[0]..pair[1]]).collect();
            prop_assert_eq!(read(&chunks), read(&[&text]));
        }
    }
}

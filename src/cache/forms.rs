//! The forms of one body: identity, gzip, br, zstd. gzip is kept; the others are made when they
//! are asked for, once, and kept while they are asked for.

use std::io;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::Semaphore;
use tokio_util::task::TaskTracker;

use super::body::Body;
use super::coding::{self, Coding};
use super::recording::Recording;
use crate::inflight::Inflight;

/// A body in one coding.
#[derive(Debug, Clone)]
pub enum Form {
    /// It still grows.
    Growing(Arc<Recording>),
    /// It is whole.
    Whole(Body),
}

/// What makes forms: tasks that no reader's leaving stops, a bounded number at a time.
#[derive(Debug, Clone)]
pub struct Encoders {
    tasks: TaskTracker,
    places: Arc<Semaphore>,
}

impl Encoders {
    /// Bodies that are encoded at the same time; each holds a whole body and an encoder's window.
    pub const AT_ONCE_MAX: usize = 2;

    /// Encoders whose tasks `tasks` carries.
    #[must_use]
    pub fn new(tasks: TaskTracker) -> Self {
        Self {
            tasks,
            places: Arc::new(Semaphore::new(Self::AT_ONCE_MAX)),
        }
    }
}

/// When nobody has asked for a form yet.
const NEVER: u64 = u64::MAX;

#[derive(Debug)]
struct Slot {
    form: Mutex<Option<Form>>,
    /// Seconds on the cache's clock when this form was last asked for, or [`NEVER`].
    asked_at_s: AtomicU64,
    /// Held while the form is made, so that it is made once.
    making: Arc<tokio::sync::Mutex<()>>,
}

impl Default for Slot {
    fn default() -> Self {
        Self {
            form: Mutex::default(),
            asked_at_s: AtomicU64::new(NEVER),
            making: Arc::default(),
        }
    }
}

impl Slot {
    fn is_idle(&self, since_s: u64) -> bool {
        let asked_at_s = self.asked_at_s.load(Ordering::Relaxed);
        asked_at_s == NEVER || asked_at_s < since_s
    }

    fn get(&self) -> Option<Form> {
        self.form
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    fn set(&self, form: Option<Form>) {
        *self.form.lock().unwrap_or_else(PoisonError::into_inner) = form;
    }

    fn whole(&self) -> Option<Body> {
        match self.get() {
            Some(Form::Whole(body)) => Some(body),
            _ => None,
        }
    }
}

/// One body in every coding it is kept in.
#[derive(Debug)]
pub struct Forms {
    slots: [Slot; Coding::ALL.len()],
    /// Whether a form was made since [`Forms::tidy`] last looked.
    has_grown: AtomicBool,
    /// What forms that are being made, or that only readers hold, count against.
    budget: Inflight,
}

impl Forms {
    /// The forms of a body that is being recorded.
    #[must_use]
    pub fn growing(recording: Arc<Recording>, budget: &Inflight) -> Self {
        let forms = Self {
            budget: budget.clone(),
            slots: Default::default(),
            has_grown: AtomicBool::new(false),
        };
        forms.slots[Coding::Identity.index()].set(Some(Form::Growing(recording)));
        forms
    }

    /// The recording has ended with this body.
    pub fn complete(&self, body: Body) {
        self.slots[Coding::Identity.index()].set(Some(Form::Whole(body)));
    }

    /// The form a reader asked for, made if need be; `now_s` is the cache's clock.
    ///
    /// A body that still grows is given as it is: nobody who waits for a feed waits for its compression,
    /// and the answer names the coding it has. A reader who leaves stops nothing.
    ///
    /// # Errors
    /// When an encoder fails.
    pub async fn get(
        self: &Arc<Self>,
        coding: Coding,
        now_s: u64,
        encoders: &Encoders,
    ) -> io::Result<(Coding, Form)> {
        let slot = &self.slots[coding.index()];
        slot.asked_at_s.store(now_s, Ordering::Relaxed);
        if let Some(form) = slot.get() {
            return Ok((coding, form));
        }
        let (forms, encoders) = (Arc::clone(self), encoders.clone());
        let tasks = encoders.tasks.clone();
        let making = tasks.spawn(async move { forms.make_for_readers(coding, &encoders).await });
        making.await.map_err(io::Error::other)?
    }

    /// Makes a form once, however many ask for it.
    async fn make_for_readers(
        self: Arc<Self>,
        coding: Coding,
        encoders: &Encoders,
    ) -> io::Result<(Coding, Form)> {
        let slot = &self.slots[coding.index()];
        let _making = Arc::clone(&slot.making).lock_owned().await;
        if let Some(form) = slot.get() {
            return Ok((coding, form));
        }
        if let Some(Form::Growing(recording)) = self.slots[Coding::Identity.index()].get() {
            return Ok((Coding::Identity, Form::Growing(recording)));
        }
        let _place = encoders.places.acquire().await.map_err(io::Error::other)?;
        let body = self.make(coding).await?;
        slot.set(Some(Form::Whole(body.clone())));
        self.has_grown.store(true, Ordering::Relaxed);
        Ok((coding, Form::Whole(body)))
    }

    /// Makes the kept gzip form and drops what nobody asked for since
    /// `idle_since_s`. True when the forms' weight changed since the last time.
    ///
    /// # Errors
    /// When an encoder fails.
    pub async fn tidy(&self, idle_since_s: u64) -> io::Result<bool> {
        let identity = &self.slots[Coding::Identity.index()];
        let gzip = &self.slots[Coding::Gzip.index()];
        if matches!(identity.get(), Some(Form::Growing(_))) {
            return Ok(false);
        }
        let mut changed = self.has_grown.swap(false, Ordering::Relaxed);
        if gzip.whole().is_none() {
            let _making = gzip.making.lock().await;
            let body = self.make(Coding::Gzip).await?;
            gzip.set(Some(Form::Whole(body)));
            changed = true;
        }
        for coding in [Coding::Identity, Coding::Brotli, Coding::Zstd] {
            let slot = &self.slots[coding.index()];
            if slot.is_idle(idle_since_s) && slot.whole().is_some() {
                slot.set(None);
                changed = true;
            }
        }
        Ok(changed)
    }

    /// The bytes that all forms hold together.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.bodies().iter().map(Body::len).sum()
    }

    /// The forms that are whole.
    #[must_use]
    pub fn bodies(&self) -> Vec<Body> {
        self.slots.iter().filter_map(Slot::whole).collect()
    }

    /// A whole form, from whatever form there is.
    async fn make(&self, coding: Coding) -> io::Result<Body> {
        let identity = self.slots[Coding::Identity.index()].whole();
        let gzip = self.slots[Coding::Gzip.index()].whole();
        // Bounded by how many are made at once: it counts, and waits for nobody.
        let bytes = match (&identity, &gzip) {
            (Some(identity), _) => identity.len(),
            (None, Some(gzip)) => coding::decoded_bytes(gzip),
            (None, None) => 0,
        };
        let charge = self.budget.force(2 * bytes as u64);
        let work = move || match (identity, gzip) {
            (Some(identity), _) => coding::encode(&identity, coding),
            (None, Some(gzip)) => coding::encode(&coding::decode_gzip(&gzip)?, coding),
            (None, None) => Err(io::Error::other("the copy holds no form")),
        };
        let made = tokio::task::spawn_blocking(work).await;
        drop(charge);
        Ok(made.map_err(io::Error::other)??.within(&self.budget))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cache::Recorder;
    use bytes::Bytes;

    fn whole(form: Form) -> Body {
        match form {
            Form::Whole(body) => body,
            Form::Growing(_) => panic!("still growing"),
        }
    }

    #[tokio::test]
    async fn forms_are_made_when_asked_for_and_dropped_when_idle() {
        let encoders = Encoders::new(TaskTracker::new());
        let text = "feed ".repeat(10_000);
        let mut recorder = Recorder::new(1 << 20);
        let forms = Arc::new(Forms::growing(recorder.recording(), &Inflight::unlimited()));
        recorder.append(Bytes::from(text.clone())).unwrap();
        forms.complete(recorder.finish());

        let (coding, form) = forms.get(Coding::Brotli, 10, &encoders).await.unwrap();
        assert_eq!(coding, Coding::Brotli);
        assert!(whole(form).len() < 1000);
        assert!(
            forms.tidy(11).await.unwrap(),
            "gzip is made, identity and br are dropped"
        );
        assert!(forms.bytes() < 1000);
        assert!(!forms.tidy(11).await.unwrap(), "nothing is left to do");

        let (_, form) = forms.get(Coding::Identity, 12, &encoders).await.unwrap();
        assert_eq!(whole(form).pieces().concat(), text.as_bytes());
        assert!(forms.tidy(12).await.unwrap(), "identity is new and weighs");
        assert!(
            !forms.tidy(12).await.unwrap(),
            "identity was asked for lately"
        );
    }

    #[tokio::test]
    async fn a_growing_body_is_given_as_it_is_and_compressed_at_the_next_request() {
        let encoders = Encoders::new(TaskTracker::new());
        let mut recorder = Recorder::new(1 << 20);
        let forms = Arc::new(Forms::growing(recorder.recording(), &Inflight::unlimited()));
        for coding in [Coding::Gzip, Coding::Zstd] {
            let (given, form) = forms.get(coding, 0, &encoders).await.unwrap();
            assert_eq!(given, Coding::Identity);
            assert!(matches!(form, Form::Growing(_)));
        }
        recorder.append(Bytes::from("text")).unwrap();
        forms.complete(recorder.finish());
        let (given, form) = forms.get(Coding::Gzip, 0, &encoders).await.unwrap();
        assert_eq!(given, Coding::Gzip);
        let text = coding::decode_gzip(&whole(form)).unwrap();
        assert_eq!(text.pieces().concat(), b"text");
    }
}

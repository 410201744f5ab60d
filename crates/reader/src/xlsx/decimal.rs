//! A number as decimal digits, as spreadsheets count: fifteen significant ones, halves rounded away from zero. Binary
//! fractions would show 2.675 as 2.67. Knows no format.

/// Digits that a spreadsheet keeps.
const SIGNIFICANT: usize = 15;

/// A number that is not negative: `0.digits` times ten to the power of `point`.
pub(super) struct Decimal {
    digits: Vec<u8>,
    point: i32,
}

impl Decimal {
    /// Takes the magnitude of a finite number.
    pub(super) fn new(number: f64) -> Self {
        let written = format!("{:.*e}", SIGNIFICANT - 1, number.abs());
        let (digits, exponent) = written.split_once('e').unwrap_or((&written, "0"));
        let digits = digits.bytes().filter(u8::is_ascii_digit).map(|digit| digit - b'0').collect();
        let mut decimal = Self { digits, point: exponent.parse::<i32>().unwrap_or(0) + 1 };
        decimal.trim();
        decimal
    }

    /// Multiplies by a power of ten.
    pub(super) fn shift(&mut self, places: i32) {
        if !self.is_zero() {
            self.point += places;
        }
    }

    /// Keeps so many places behind the point.
    pub(super) fn round(&mut self, places: usize) {
        let kept = self.point.saturating_add(places as i32);
        if kept >= self.digits.len() as i32 {
            return;
        }
        let up = kept >= 0 && self.digits[kept as usize] >= 5;
        self.digits.truncate(kept.max(0) as usize);
        if up {
            self.increment();
        }
        self.trim();
    }

    /// Adds one to the last digit kept.
    fn increment(&mut self) {
        while let Some(last) = self.digits.pop() {
            if last < 9 {
                self.digits.push(last + 1);
                return;
            }
        }
        self.digits.push(1);
        self.point += 1;
    }

    fn trim(&mut self) {
        while self.digits.last() == Some(&0) {
            self.digits.pop();
        }
        if self.digits.is_empty() {
            self.point = 0;
        }
    }

    pub(super) fn is_zero(&self) -> bool {
        self.digits.is_empty()
    }

    /// The power of ten of the first digit.
    pub(super) fn exponent(&self) -> i32 {
        if self.is_zero() { 0 } else { self.point - 1 }
    }

    /// The digits before the point, none where there is only a zero.
    pub(super) fn whole(&self) -> String {
        (0..self.point).map(|place| self.digit(place)).collect()
    }

    /// The digits behind the point without closing zeros.
    pub(super) fn fraction(&self) -> String {
        (self.point..self.digits.len() as i32).map(|place| self.digit(place)).collect()
    }

    fn digit(&self, place: i32) -> char {
        let digit = usize::try_from(place).ok().and_then(|place| self.digits.get(place));
        char::from(b'0' + digit.copied().unwrap_or(0))
    }
}

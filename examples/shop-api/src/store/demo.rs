//! A catalogue to look at: 200 products, the same ones on every machine.

use jiff::{SignedDuration, Timestamp};
use uuid::{Builder, Uuid};

use super::{Store, StoreError, products};
use crate::domain::{
    BrokenRule, Currency, Description, NewProduct, Price, Product, ProductName, Stock,
};

/// Things that come in the same four makes.
struct Range {
    currency: &'static str,
    /// The make, its price in percent of the plain one, and what is said about it.
    makes: [(&'static str, i64, &'static str); 4],
    /// The thing, the price of the plain one in minor units, and what is said about it.
    things: [(&'static str, i64, &'static str); 10],
}

impl Store {
    /// Fills the catalogue if nothing was ever in it, and returns how many products it made.
    ///
    /// # Errors
    ///
    /// When the database fails.
    pub async fn create_demo_products(&self) -> Result<usize, StoreError> {
        // The question and the answer to it are one transaction: of two processes that start on
        // one empty database, the second finds the first one's products.
        let mut transaction = self.begin_write().await?;
        let empty = "SELECT NOT EXISTS (SELECT 1 FROM products)";
        if !sqlx::query_scalar::<_, bool>(empty)
            .fetch_one(&mut *transaction)
            .await?
        {
            return Ok(0);
        }
        let catalogue = catalogue().map_err(|error| sqlx::Error::Encode(error.into()))?;
        for product in &catalogue {
            products::insert(&mut *transaction, product).await?;
        }
        transaction.commit().await?;
        Ok(catalogue.len())
    }
}

/// All products, oldest first; neighbours are of different ranges.
fn catalogue() -> Result<Vec<Product>, BrokenRule> {
    (0..200).map(demo_product).collect()
}

fn demo_product(index: usize) -> Result<Product, BrokenRule> {
    let range = &RANGES[index % 5];
    let (thing, base_price, about_thing) = range.things[(index / 5) % 10];
    let (make, percent, about_make) = range.makes[index / 50];
    let noise = mixed(index);

    let product = NewProduct {
        name: ProductName::new(format!("{make} {thing}"))?,
        description: Description::new(format!("{about_thing} {about_make}"))?,
        price: Price::new(base_price * percent / 100 / 50 * 50)?,
        currency: Currency::new(range.currency)?,
        // One in eight is sold out.
        stock: Stock::new(if noise.is_multiple_of(8) {
            0
        } else {
            (noise >> 8) as i64 % 120 + 1
        })?,
    };
    let created_at = Timestamp::UNIX_EPOCH
        + SignedDuration::from_secs(FIRST_CREATED + index as i64 * SECONDS_BETWEEN);
    Ok(product.create(demo_id(created_at, noise), created_at))
}

fn demo_id(created_at: Timestamp, noise: u64) -> Uuid {
    let mut random = [0; 10];
    random[..8].copy_from_slice(&noise.to_be_bytes());
    random[8..].copy_from_slice(&noise.to_le_bytes()[..2]);
    let millis = u64::try_from(created_at.as_millisecond()).unwrap_or_default();
    Builder::from_unix_timestamp_millis(millis, &random).into_uuid()
}

/// A number that looks random and is the same everywhere: one step of SplitMix64.
fn mixed(index: usize) -> u64 {
    let mut z = (index as u64 + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// 3 March 2025, 08:00 UTC.
const FIRST_CREATED: i64 = 1_740_988_800;
const SECONDS_BETWEEN: i64 = 31 * 3600 + 17 * 60;

const RANGES: [Range; 5] = [
    Range {
        currency: "EUR",
        makes: [
            (
                "Stoneware",
                100,
                "Fired twice, so it goes from the freezer to the oven.",
            ),
            (
                "Enamelled",
                115,
                "Glass on steel: it neither rusts nor keeps a taste.",
            ),
            ("Cast iron", 160, "Heavy, slow to warm and slower to cool."),
            (
                "Copper",
                240,
                "Lined with tin by hand; the outside darkens with the years.",
            ),
        ],
        things: [
            (
                "casserole",
                5900,
                "For stews that take the afternoon, with a lid that closes tight.",
            ),
            (
                "saucepan",
                4200,
                "Holds a litre and a half and pours from both sides.",
            ),
            ("milk pan", 2900, "Small, tall, and never boils over twice."),
            ("roasting dish", 4800, "Fits a chicken with its potatoes."),
            ("kettle", 5400, "Two litres, and it sings when it is done."),
            (
                "gratin dish",
                3200,
                "Shallow, for a crust that reaches everybody.",
            ),
            ("stockpot", 7900, "Eight litres of soup, or pasta for ten."),
            (
                "tagine",
                6400,
                "The cone leads the steam back to where it came from.",
            ),
            (
                "butter dish",
                1900,
                "Keeps half a pound soft and the cat away.",
            ),
            (
                "pie dish",
                2700,
                "With a rim that is wide enough to crimp on.",
            ),
        ],
    },
    Range {
        currency: "EUR",
        makes: [
            ("Linen", 120, "Washed before sewing, so it will not shrink."),
            ("Wool", 145, "Spun from one flock's fleece and not dyed."),
            (
                "Organic cotton",
                100,
                "Certified from the field to the seam.",
            ),
            ("Hemp", 110, "Coarse at first, and softer with every wash."),
        ],
        things: [
            ("throw", 6900, "Large enough for two on a sofa."),
            (
                "cushion cover",
                2400,
                "50 by 50 centimetres, with a hidden zip.",
            ),
            (
                "tablecloth",
                5600,
                "For a table of six, with mitred corners.",
            ),
            (
                "curtain pair",
                11900,
                "Two lengths of 140 by 250 centimetres, with tabs.",
            ),
            ("bed runner", 5200, "Lies across the foot of the bed."),
            (
                "floor cushion",
                7400,
                "Firm, and with a handle to carry it out on the lawn.",
            ),
            (
                "tote bag",
                1800,
                "Carries a laptop or three loaves of bread.",
            ),
            ("scarf", 3900, "Two metres long, for going round twice."),
            ("bathrobe", 8900, "Knee length, with deep pockets."),
            (
                "apron",
                3400,
                "Crossed at the back, so nothing pulls at the neck.",
            ),
        ],
    },
    Range {
        currency: "EUR",
        makes: [
            ("Oak", 100, "Oiled, never varnished; a scratch sands out."),
            (
                "Walnut",
                150,
                "Dark, close grained, each board chosen by eye.",
            ),
            ("Ash", 95, "Pale and springy, finished with soap."),
            (
                "Bamboo",
                70,
                "Ready to harvest after five years, and harder than it looks.",
            ),
        ],
        things: [
            ("side table", 14900, "Three legs, so it never wobbles."),
            (
                "bookshelf",
                28900,
                "Five shelves that carry forty kilograms each.",
            ),
            ("stool", 8900, "To sit on, to step on, to put the plant on."),
            (
                "bedside table",
                13900,
                "One drawer, and a ledge for the book above it.",
            ),
            (
                "coat rack",
                11900,
                "Seven pegs at two heights, for both sizes of people.",
            ),
            (
                "desk",
                39900,
                "140 centimetres wide, with a way out for the cables.",
            ),
            (
                "bench",
                22900,
                "Seats three at the table, or two in the hall.",
            ),
            (
                "shoe rack",
                7900,
                "Takes twelve pairs, and sand falls through.",
            ),
            (
                "picture ledge",
                3900,
                "Lean the frames, and change your mind without a drill.",
            ),
            (
                "tray",
                3400,
                "Raised edges and two handles that are cut from the same board.",
            ),
        ],
    },
    Range {
        currency: "EUR",
        makes: [
            (
                "Brass",
                135,
                "Not lacquered, so it takes on the colour of its years.",
            ),
            (
                "Matt black",
                100,
                "Powder coated; fingerprints do not show.",
            ),
            (
                "Frosted glass",
                120,
                "Blown by mouth, so no two are quite alike.",
            ),
            (
                "Paper",
                65,
                "Folded from a single sheet that comes off for dusting.",
            ),
        ],
        things: [
            (
                "table lamp",
                7900,
                "A warm light with a dimmer on the cord.",
            ),
            (
                "floor lamp",
                15900,
                "Stands behind the armchair and reaches over it.",
            ),
            (
                "pendant light",
                9900,
                "Hangs over a table from three metres of cloth cable.",
            ),
            (
                "wall light",
                6900,
                "Throws its light up and down, not in your eyes.",
            ),
            (
                "desk lamp",
                8400,
                "Two joints that stay where you leave them.",
            ),
            (
                "clip-on light",
                3900,
                "Holds on to a shelf, a headboard or a music stand.",
            ),
            (
                "night light",
                2900,
                "Comes on at dusk and uses half a watt.",
            ),
            ("ceiling light", 11900, "Sits flat under low ceilings."),
            (
                "reading light",
                5900,
                "A narrow beam that lets the other one sleep.",
            ),
            (
                "string lights",
                2400,
                "Ten metres, for indoors and under the eaves.",
            ),
        ],
    },
    Range {
        currency: "GBP",
        makes: [
            ("Pocket", 60, "A6, with a band and a pocket at the back."),
            (
                "Recycled",
                80,
                "Made of what the paper mill would have thrown away.",
            ),
            (
                "Linen-bound",
                110,
                "A5 in book linen, sewn so that it opens flat.",
            ),
            (
                "Leather-bound",
                230,
                "A5 in vegetable tanned leather that wears in, not out.",
            ),
        ],
        things: [
            ("notebook", 1600, "192 numbered pages with dots."),
            (
                "sketchbook",
                1900,
                "Heavy paper that takes ink and a little water.",
            ),
            ("diary", 1800, "A page for each day of any year."),
            (
                "planner",
                2100,
                "A week on two pages, and room for what came instead.",
            ),
            (
                "address book",
                1500,
                "Tabs from A to Z, and pages that can be replaced.",
            ),
            (
                "recipe book",
                2000,
                "Wipe-clean covers and an index to fill in.",
            ),
            (
                "travel journal",
                1900,
                "With maps, time zones and an envelope for tickets.",
            ),
            (
                "music book",
                1700,
                "Twelve staves a page, printed in pale grey.",
            ),
            ("logbook", 1600, "Ruled for date, hours and remarks."),
            (
                "photo album",
                3200,
                "60 black pages with glassine between them.",
            ),
        ],
    },
];

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn there_are_200_different_products_and_they_are_always_the_same() {
        let products = catalogue().expect("the demo keeps the rules");
        assert_eq!(products.len(), 200);
        let names: HashSet<_> = products
            .iter()
            .map(|product| product.name.as_str())
            .collect();
        let ids: HashSet<_> = products.iter().map(|product| product.id).collect();
        assert_eq!((names.len(), ids.len()), (200, 200));
        assert_eq!(products, catalogue().expect("the demo keeps the rules"));
        assert_eq!(products[0].name.as_str(), "Stoneware casserole");
        assert_eq!(products[0].created_at.to_string(), "2025-03-03T08:00:00Z");
    }

    #[test]
    fn ids_are_uuids_of_version_7_in_the_order_of_creation() {
        let products = catalogue().expect("the demo keeps the rules");
        assert!(
            products
                .iter()
                .all(|product| product.id.get_version_num() == 7)
        );
        assert!(products.is_sorted_by(|a, b| a.id < b.id && a.created_at < b.created_at));
    }

    #[test]
    fn some_are_sold_out_and_most_are_not() {
        let products = catalogue().expect("the demo keeps the rules");
        let sold_out = products
            .iter()
            .filter(|product| product.stock.pieces() == 0)
            .count();
        assert!((10..50).contains(&sold_out), "{sold_out}");
    }
}

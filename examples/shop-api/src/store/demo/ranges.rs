//! What the demo shop sells.

/// Things that come in the same four makes.
pub(super) struct ProductRange {
    pub(super) currency: &'static str,
    /// The make, its price in percent of the plain one, and what is said about it.
    pub(super) makes: [(&'static str, i64, &'static str); 4],
    /// The thing, the price of the plain one in minor units, and what is said about it.
    pub(super) things: [(&'static str, i64, &'static str); 10],
}

#[rustfmt::skip] // A line for each thing.
pub(super) const RANGES: [ProductRange; 5] = [
    ProductRange {
        currency: "EUR",
        makes: [
            ("Stoneware", 100, "Fired twice, so it goes from the freezer to the oven."),
            ("Enamelled", 115, "Glass on steel: it neither rusts nor keeps a taste."),
            ("Cast iron", 160, "Heavy, slow to warm and slower to cool."),
            ("Copper", 240, "Lined with tin by hand; the outside darkens with the years."),
        ],
        things: [
            ("casserole", 5900, "For stews that take the afternoon, with a lid that closes tight."),
            ("saucepan", 4200, "Holds a litre and a half and pours from both sides."),
            ("milk pan", 2900, "Small, tall, and never boils over twice."),
            ("roasting dish", 4800, "Fits a chicken with its potatoes."),
            ("kettle", 5400, "Two litres, and it sings when it is done."),
            ("gratin dish", 3200, "Shallow, for a crust that reaches everybody."),
            ("stockpot", 7900, "Eight litres of soup, or pasta for ten."),
            ("tagine", 6400, "The cone leads the steam back to where it came from."),
            ("butter dish", 1900, "Keeps half a pound soft and the cat away."),
            ("pie dish", 2700, "With a rim that is wide enough to crimp on."),
        ],
    },
    ProductRange {
        currency: "EUR",
        makes: [
            ("Linen", 120, "Washed before sewing, so it will not shrink."),
            ("Wool", 145, "Spun from one flock's fleece and not dyed."),
            ("Organic cotton", 100, "Certified from the field to the seam."),
            ("Hemp", 110, "Coarse at first, and softer with every wash."),
        ],
        things: [
            ("throw", 6900, "Large enough for two on a sofa."),
            ("cushion cover", 2400, "50 by 50 centimetres, with a hidden zip."),
            ("tablecloth", 5600, "For a table of six, with mitred corners."),
            ("curtain pair", 11900, "Two lengths of 140 by 250 centimetres, with tabs."),
            ("bed runner", 5200, "Lies across the foot of the bed."),
            ("floor cushion", 7400, "Firm, and with a handle to carry it out on the lawn."),
            ("tote bag", 1800, "Carries a laptop or three loaves of bread."),
            ("scarf", 3900, "Two metres long, for going round twice."),
            ("bathrobe", 8900, "Knee length, with deep pockets."),
            ("apron", 3400, "Crossed at the back, so nothing pulls at the neck."),
        ],
    },
    ProductRange {
        currency: "EUR",
        makes: [
            ("Oak", 100, "Oiled, never varnished; a scratch sands out."),
            ("Walnut", 150, "Dark, close grained, each board chosen by eye."),
            ("Ash", 95, "Pale and springy, finished with soap."),
            ("Bamboo", 70, "Ready to harvest after five years, and harder than it looks."),
        ],
        things: [
            ("side table", 14900, "Three legs, so it never wobbles."),
            ("bookshelf", 28900, "Five shelves that carry forty kilograms each."),
            ("stool", 8900, "To sit on, to step on, to put the plant on."),
            ("bedside table", 13900, "One drawer, and a ledge for the book above it."),
            ("coat rack", 11900, "Seven pegs at two heights, for both sizes of people."),
            ("desk", 39900, "140 centimetres wide, with a way out for the cables."),
            ("bench", 22900, "Seats three at the table, or two in the hall."),
            ("shoe rack", 7900, "Takes twelve pairs, and sand falls through."),
            ("picture ledge", 3900, "Lean the frames, and change your mind without a drill."),
            ("tray", 3400, "Raised edges and two handles that are cut from the same board."),
        ],
    },
    ProductRange {
        currency: "EUR",
        makes: [
            ("Brass", 135, "Not lacquered, so it takes on the colour of its years."),
            ("Matt black", 100, "Powder coated; fingerprints do not show."),
            ("Frosted glass", 120, "Blown by mouth, so no two are quite alike."),
            ("Paper", 65, "Folded from a single sheet that comes off for dusting."),
        ],
        things: [
            ("table lamp", 7900, "A warm light with a dimmer on the cord."),
            ("floor lamp", 15900, "Stands behind the armchair and reaches over it."),
            ("pendant light", 9900, "Hangs over a table from three metres of cloth cable."),
            ("wall light", 6900, "Throws its light up and down, not in your eyes."),
            ("desk lamp", 8400, "Two joints that stay where you leave them."),
            ("clip-on light", 3900, "Holds on to a shelf, a headboard or a music stand."),
            ("night light", 2900, "Comes on at dusk and uses half a watt."),
            ("ceiling light", 11900, "Sits flat under low ceilings."),
            ("reading light", 5900, "A narrow beam that lets the other one sleep."),
            ("string lights", 2400, "Ten metres, for indoors and under the eaves."),
        ],
    },
    ProductRange {
        currency: "GBP",
        makes: [
            ("Pocket", 60, "A6, with a band and a pocket at the back."),
            ("Recycled", 80, "Made of what the paper mill would have thrown away."),
            ("Linen-bound", 110, "A5 in book linen, sewn so that it opens flat."),
            ("Leather-bound", 230, "A5 in vegetable tanned leather that wears in, not out."),
        ],
        things: [
            ("notebook", 1600, "192 numbered pages with dots."),
            ("sketchbook", 1900, "Heavy paper that takes ink and a little water."),
            ("diary", 1800, "A page for each day of any year."),
            ("planner", 2100, "A week on two pages, and room for what came instead."),
            ("address book", 1500, "Tabs from A to Z, and pages that can be replaced."),
            ("recipe book", 2000, "Wipe-clean covers and an index to fill in."),
            ("travel journal", 1900, "With maps, time zones and an envelope for tickets."),
            ("music book", 1700, "Twelve staves a page, printed in pale grey."),
            ("logbook", 1600, "Ruled for date, hours and remarks."),
            ("photo album", 3200, "60 black pages with glassine between them."),
        ],
    },
];

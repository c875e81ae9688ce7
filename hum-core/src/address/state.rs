use crate::kernel::named::{named, named_serde};

named! {
    /// The fifty states, the District of Columbia and Puerto Rico, by their USPS abbreviations
    /// (Publication 28, appendix B).
    pub enum State {
        /// Alabama.
        Alabama = "AL",
        /// Alaska.
        Alaska = "AK",
        /// Arizona.
        Arizona = "AZ",
        /// Arkansas.
        Arkansas = "AR",
        /// California.
        California = "CA",
        /// Colorado.
        Colorado = "CO",
        /// Connecticut.
        Connecticut = "CT",
        /// Delaware.
        Delaware = "DE",
        /// Florida.
        Florida = "FL",
        /// Georgia.
        Georgia = "GA",
        /// Hawaii.
        Hawaii = "HI",
        /// Idaho.
        Idaho = "ID",
        /// Illinois.
        Illinois = "IL",
        /// Indiana.
        Indiana = "IN",
        /// Iowa.
        Iowa = "IA",
        /// Kansas.
        Kansas = "KS",
        /// Kentucky.
        Kentucky = "KY",
        /// Louisiana.
        Louisiana = "LA",
        /// Maine.
        Maine = "ME",
        /// Maryland.
        Maryland = "MD",
        /// Massachusetts.
        Massachusetts = "MA",
        /// Michigan.
        Michigan = "MI",
        /// Minnesota.
        Minnesota = "MN",
        /// Mississippi.
        Mississippi = "MS",
        /// Missouri.
        Missouri = "MO",
        /// Montana.
        Montana = "MT",
        /// Nebraska.
        Nebraska = "NE",
        /// Nevada.
        Nevada = "NV",
        /// New Hampshire.
        NewHampshire = "NH",
        /// New Jersey.
        NewJersey = "NJ",
        /// New Mexico.
        NewMexico = "NM",
        /// New York.
        NewYork = "NY",
        /// North Carolina.
        NorthCarolina = "NC",
        /// North Dakota.
        NorthDakota = "ND",
        /// Ohio.
        Ohio = "OH",
        /// Oklahoma.
        Oklahoma = "OK",
        /// Oregon.
        Oregon = "OR",
        /// Pennsylvania.
        Pennsylvania = "PA",
        /// Puerto Rico.
        PuertoRico = "PR",
        /// Rhode Island.
        RhodeIsland = "RI",
        /// South Carolina.
        SouthCarolina = "SC",
        /// South Dakota.
        SouthDakota = "SD",
        /// Tennessee.
        Tennessee = "TN",
        /// Texas.
        Texas = "TX",
        /// Utah.
        Utah = "UT",
        /// Vermont.
        Vermont = "VT",
        /// Virginia.
        Virginia = "VA",
        /// Washington.
        Washington = "WA",
        /// West Virginia.
        WestVirginia = "WV",
        /// Wisconsin.
        Wisconsin = "WI",
        /// Wyoming.
        Wyoming = "WY",
        /// District of Columbia.
        DistrictOfColumbia = "DC",
    }
}

named_serde!(State);

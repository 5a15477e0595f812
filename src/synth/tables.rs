//! Names that are common knowledge, each list in rough order of how common they are. Nothing here is copied from a
//! register: the order is ours, and the weight of a name follows from its rank alone (see `names`). An underscore stands
//! for a space inside a name.

use super::tail::{self, Tail};

/// How weight falls with rank: `(rank + shift)` to the power of `-eighths / 8` (Zipf-Mandelbrot).
#[derive(Clone, Copy)]
pub(super) struct Shape {
    pub(super) eighths: u32,
    pub(super) shift: u64,
}

/// The people of one origin, as coarse as a subgroup evaluation wants it.
pub(super) struct Table {
    /// The label in the truth column.
    pub(super) label: &'static str,
    /// Families per 1,000.
    pub(super) share: u32,
    /// Forenames per 10,000 that come from this origin's own lists; the others come from the British ones, by era.
    pub(super) own_forenames: u32,
    pub(super) girls: &'static str,
    pub(super) boys: &'static str,
    pub(super) forename_tail: [Tail; 2],
    pub(super) surnames: &'static str,
    pub(super) surname_tail: Tail,
    pub(super) surname_shape: Shape,
}

/// Forenames in Britain by the year of birth they begin with: girls, boys. Names age: a list that did not know the year
/// would make a mother an Olivia and her daughter a Susan.
pub(super) struct Era {
    pub(super) from: u16,
    pub(super) girls: &'static str,
    pub(super) boys: &'static str,
    pub(super) shapes: [Shape; 2],
}

/// The origins by number.
pub(super) const ENGLISH: usize = 0;
pub(super) const SIKH: usize = 6;
pub(super) const EASTERN: usize = 7;

/// Steeper where fewer names were in use: fitted to the shape of the register by decade, the girls' flatter than the boys'.
const fn shape(eighths: u32, shift: u64) -> Shape {
    Shape { eighths, shift }
}

pub(super) const ERAS: &[Era] = &[
    Era {
        from: 0,
        girls: "Susan Karen Sarah Nicola Joanne Tracey Sharon Julie Michelle Claire Lisa Deborah Alison Jacqueline \
            Amanda Helen Angela Samantha Louise Donna Emma Rachel Debbie Paula Kelly Jane Dawn Wendy Tina Lorraine \
            Elaine Heather Victoria Catherine Rebecca Andrea Caroline Christine Margaret Elizabeth Janet Maria Anne \
            Tracy Lesley Beverley Gillian Kerry Maxine Melanie Natalie Sally Diane Jennifer Mary Patricia Linda \
            Fiona Suzanne Zoë Anita Denise Theresa Carol Yvonne Marie Ruth Teresa Sandra Mandy",
        boys: "David Paul Andrew Mark Stephen John Michael Ian Robert Richard Christopher Peter Simon Gary Anthony \
            Kevin Steven Darren James Lee Neil Jason Stuart Martin Philip Alan Craig Graham Colin Jonathan Matthew \
            Adrian Nigel Wayne Dean Keith Timothy Barry Shaun Carl Daniel Nicholas Justin Trevor Brian Scott Russell \
            Thomas William Kenneth Garry Jeremy Duncan Raymond Karl Julian Ronald Derek Damian Adam Dominic Roger \
            Geoffrey Terence Sean Glenn Lawrence Gareth Joseph Edward",
        shapes: [shape(14, 30), shape(15, 20)],
    },
    Era {
        from: 1980,
        girls: "Sarah Laura Gemma Emma Rebecca Claire Victoria Samantha Rachel Amy Jennifer Nicola Katie Lisa Kelly \
            Natalie Louise Michelle Hayley Hannah Helen Charlotte Joanne Lucy Elizabeth Leanne Danielle Donna \
            Katherine Clare Stephanie Stacey Lauren Jessica Catherine Kerry Emily Zoe Kirsty Kimberley Amanda Jemma \
            Kate Jenna Abigail Heather Alexandra Vicky Sophie Alison Melissa Kayleigh Lindsay Sally Chloe Holly \
            Naomi Jodie Jane Carly Cheryl Lyndsey Rachael Natasha Toni Kathryn Anna Melanie Tanya Frances Sian \
            Bethany Georgina",
        boys: "Christopher James David Daniel Michael Matthew Andrew Richard Paul Mark Thomas Adam Robert John Lee \
            Benjamin Steven Jonathan Craig Stephen Simon Nicholas Peter Anthony Alexander Gary Ian Ryan Darren Barry \
            Joseph Kevin William Martin Stuart Philip Scott Luke Carl Neil Jamie Gareth Samuel Dean Ashley Liam Sean \
            Edward Shaun Kieran Aaron Joshua Ross Karl Wayne Jack Kyle Marc Nathan Timothy Charles Jason Alan \
            Phillip Graham Dale George Oliver Lewis Gavin Dominic Patrick Damien Leon Robin Adrian",
        shapes: [shape(14, 30), shape(15, 20)],
    },
    Era {
        from: 1995,
        girls: "Chloe Emily Jessica Sophie Megan Charlotte Hannah Lauren Lucy Olivia Ellie Georgia Bethany Katie Amy \
            Holly Rebecca Emma Abigail Grace Molly Ella Leah Eleanor Alice Caitlin Amber Mia Jasmine Paige Shannon \
            Daisy Rachel Elizabeth Jade Isabella Natasha Lily Ruby Millie Phoebe Courtney Erin Sarah Isabelle Freya \
            Nicole Zoe Niamh Poppy Laura Anna Danielle Alexandra Scarlett Imogen Harriet Victoria Evie Rosie \
            Maddison Libby Maisie Summer Samantha Hollie Kayleigh Louise Naomi Skye Demi Tia Keira Aimee Gabrielle \
            Abbie Eloise Matilda Francesca Heidi Madeleine Isobel Kiera Rhiannon Stephanie Mollie Alicia Faith \
            Evelyn Mya Zara Sophia Kelsey Lydia Martha Esme Morgan Lexie Lacey Brooke Tegan Siobhán Zoë Chloë",
        boys: "Jack Thomas Joshua James Daniel Harry Samuel Matthew William Joseph Callum Luke Benjamin Oliver Lewis \
            Ryan George Alexander Jake Adam Liam Jordan Connor Charlie Nathan Dylan Ben Jacob Cameron Max Kieran \
            Ethan Michael Alfie Aaron Jamie Tyler Owen Bradley Reece Edward Robert Louis Kyle Christopher John \
            Archie Harrison Toby Leo Charles Henry Isaac Rhys David Sam Logan Joe Brandon Andrew Sean Riley Finley \
            Dominic Noah Mason Oscar Elliot Zachary Harvey Ashley Morgan Louie Christian Jude Aidan Taylor Gabriel \
            Kai Zak Ewan Elliott Billy Leon Freddie Sebastian Declan Hayden Patrick Anthony Mark Marcus Scott Toby \
            Theo Jay Curtis Stephen Peter Dean Spencer Corey Bailey Jayden Kane Evan Dale",
        shapes: [shape(11, 24), shape(13, 22)],
    },
    Era {
        from: 2010,
        girls: "Olivia Amelia Isla Ava Emily Isabella Mia Poppy Ella Lily Sophia Grace Evie Jessica Sophie Freya \
            Charlotte Daisy Alice Florence Phoebe Sienna Ivy Elsie Evelyn Matilda Ruby Rosie Millie Willow Sofia \
            Maisie Scarlett Harriet Chloe Eva Layla Emma Erin Eleanor Esme Isabelle Harper Aria Imogen Luna Maya \
            Penelope Molly Ellie Lola Thea Bella Mila Darcie Georgia Lucy Holly Martha Eliza Violet Robyn Rose Amber \
            Summer Lottie Arabella Zara Orla Jasmine Nancy Hallie Bonnie Delilah Clara Lyla Edith Hannah Beatrice \
            Lexi Anna Elizabeth Abigail Heidi Iris Gracie Margot Zoe Leah Eden Nevaeh Aurora Myla Mabel Seren Skylar \
            Lacey Maddison Annabelle Autumn Faith Francesca Victoria Ottilie Ada Tilly Elodie Lilly Tabitha Skye \
            Hope Niamh Zoë Chloë Anaïs",
        boys: "Oliver George Harry Noah Jack Charlie Jacob Arthur Leo Oscar Alfie Thomas Henry William James Archie \
            Freddie Theo Joshua Joseph Logan Ethan Max Isaac Lucas Daniel Edward Finley Alexander Harrison Sebastian \
            Samuel Mason Teddy Benjamin Adam Toby Theodore Arlo Reuben Louie Hugo Elijah Luca Jude Albie Ezra Riley \
            Dylan Tommy Jaxon Rory Jenson Bobby Roman Reggie Harvey Ronnie Luke Frederick David Michael Stanley \
            Gabriel Zachary Carter Albert Matthew Louis Ollie Nathan Jesse Tyler Grayson Frankie Caleb Blake Finn \
            Elliot Jayden Ellis Austin Kai Liam Ralph Otis Callum Rowan Felix Leon Rupert Connor Ryan Jackson Oakley \
            Cameron Hunter Robert Billy Aiden Jake Sonny Charles Milo Kian John Leonardo Dexter Brody Tobias Ted \
            Vinnie Ben Chester Parker Rafael Zac Jamie Sean Marley Myles Cody Kaiden Kit Lenny Ernie Otto Bodhi Rex",
        shapes: [shape(11, 24), shape(12, 22)],
    },
];

/// Surnames differ in how concentrated they are: ten names hold a third of Wales, and two hold most Sikh families.
pub(super) const ORIGINS: &[Table] = &[
    Table {
        label: "english",
        share: 655,
        own_forenames: 0,
        girls: "",
        boys: "",
        forename_tail: [tail::BRITISH_GIRLS, tail::BRITISH_BOYS],
        surnames: "Smith Jones Taylor Brown Williams Wilson Johnson Davies Robinson Wright Thompson Walker White \
            Green Hall Edwards Hughes Wood Harris Lewis Martin Jackson Clarke Clark Turner Hill Cooper Ward Moore \
            Morris Evans Roberts King Watson Harrison Baker Morgan Allen Anderson Mitchell Phillips James Scott Lee \
            Bell Parker Davis Bennett Miller Cook Shaw Young Cox Richardson Marshall Collins Carter Bailey Gray \
            Adams Richards Wilkinson Ellis Foster Chapman Mason Rogers Powell Webb Hunt Holmes Palmer Mills Gibson \
            Knight Barnes Matthews Barker Stevens Butler Lloyd Jenkins Fisher Harvey Graham Dixon Russell Pearson \
            Fletcher Hughes Howard Andrews Elliott Reynolds Ford Fox Walsh Day Saunders Brooks West Lawrence \
            Atkinson Burton Cole Payne Pearce Bradley Spencer Dawson Wells Watts Rose Hart Armstrong Perry Newman \
            Lane Francis Hudson Carr Jordan Dean Burgess Webster Gardner Hopkins Stone Nicholls Hawkins Warren Bird \
            Porter Williamson Cooke Barrett Oliver Parsons Freeman Hayes Lambert Berry Bishop Read Gregory Newton \
            Harper Nicholson Hewitt Lowe Woods Wheeler Goodwin Long Austin Page Potter Wallis Sutton Osborne Slater \
            Harding Walters Kemp Booth Poole Bates Griffin Baldwin Frost Cross Bull Blake Peters Barton Norris \
            Goddard Curtis Holland Archer Parry Cunningham Doyle Hodgson Coleman Bryant Sharp Hammond Todd Nash \
            Bowen Hardy Dickinson Field Tucker Farmer Bond Steele Banks Carpenter Weston Hilton Townsend Fowler Pope \
            Gill Perkins Barlow Kirk Holt Rowe Barber Stephenson Woodward Skinner Stokes Reeves Savage Pritchard \
            Bolton Hancock Nelson Love Warner Chambers Manning Sykes Moss Marsh Norman Flynn Franklin Chadwick \
            Haynes Clayton Thornton Summers Hobbs Wade Hurst Sanders Swift Vincent Dyer Cartwright Ashton Howe \
            Waters Whitehead Tyler Bartlett Miles Lester Short Akhurst Lamb Gough Rhodes Kaye Piper Ingram Cannon \
            Daniels Bentley Blackburn Naylor Talbot D'Arcy Brontë St_John Lees Ryder Wren Heath Yates Hyde Pratt \
            Flint Key Fry Way Nye Orr",
        surname_tail: tail::ENGLISH,
        surname_shape: shape(8, 9),
    },
    Table {
        label: "welsh",
        share: 48,
        own_forenames: 3_500,
        girls: "Seren Cerys Megan Ffion Carys Erin Nia Mali Rhiannon Sian Bethan Catrin Efa Gwen Lowri Elin Eleri \
            Mared Angharad Siân Ceri Non Nansi Cadi Elan",
        boys: "Dylan Rhys Owen Osian Evan Gethin Harri Ioan Morgan Tomos Macsen Gruffydd Gareth Iwan Llewelyn \
            Steffan Aled Elis Emyr Ifan Hywel Huw Siôn Geraint Cai",
        forename_tail: [tail::BRITISH_GIRLS, tail::BRITISH_BOYS],
        surnames: "Jones Davies Williams Evans Thomas Roberts Lewis Hughes Morgan Griffiths Edwards Owen James Price \
            Rees Lloyd Jenkins Phillips Parry Powell Morris Harris Richards Davis Ellis Bowen Pritchard Howells \
            Humphreys Harries John Watkins Bevan Llewellyn Vaughan Probert Pugh Rowlands Beynon Hopkins Gwynne \
            Meredith Ap_Rhys Prosser Bebb Nash Cadwallader Tudor Gough",
        surname_tail: tail::WELSH,
        surname_shape: shape(10, 2),
    },
    Table {
        label: "scottish",
        share: 45,
        own_forenames: 2_500,
        girls: "Isla Eilidh Ailsa Catriona Mairi Skye Kirsty Iona Fiona Morag Rhona Shona Mhairi Lorna \
            Heather Beth Esme Orla Innes",
        boys: "Callum Lewis Finlay Fraser Angus Hamish Rory Ross Duncan Cameron Euan Iain Ruaridh Craig Murray \
            Gregor Lachlan Magnus Struan Blair Brodie Alasdair Archie Keir Innes",
        forename_tail: [tail::BRITISH_GIRLS, tail::BRITISH_BOYS],
        surnames: "Smith Brown Wilson Campbell Stewart Robertson Thomson Anderson Macdonald Scott Reid Murray Clark \
            Taylor Ross Young Paterson Watson Morrison Mitchell Walker Fraser Davidson Gray Hamilton Duncan McDonald \
            Ferguson Kerr Cameron Simpson Martin Bell Johnston Grant Kelly Hunter Mackenzie McKay Allan Black McLean \
            MacLeod Russell Marshall Wallace Gibson Kennedy Gordon Burns Sutherland Milne Craig Muir Sinclair Munro \
            Ritchie Dickson Wood Watt Christie McGregor Crawford Boyd Lindsay Buchanan McIntosh Bruce McMillan \
            Docherty Shaw Moffat Rennie Cairns Drummond Innes",
        surname_tail: tail::SCOTTISH,
        surname_shape: shape(8, 6),
    },
    Table {
        label: "irish",
        share: 38,
        own_forenames: 4_000,
        girls: "Aoife Niamh Saoirse Caoimhe Orla Siobhán Ciara Róisín Sinéad Fiadh Clodagh Éabha Aisling Maeve \
            Siobhan Roisin Gráinne Deirdre Sinead Erin Clíona Bríd Shannon Nora Eimear",
        boys: "Conor Sean Liam Cian Patrick Oisín Ciarán Darragh Fionn Eoin Cormac Rory Seán Declan Niall Cillian \
            Pádraig Tadhg Brendan Aidan Eamonn Ronan Donal Shane Dermot Kieran Colm Diarmuid Finbar Gerard",
        forename_tail: [tail::BRITISH_GIRLS, tail::BRITISH_BOYS],
        surnames: "Murphy Kelly Walsh Byrne Ryan O'Connor O'Brien O'Neill O'Sullivan Doyle McCarthy Gallagher \
            Doherty Kennedy Lynch Murray Quinn McLaughlin Moore Carroll Connolly Daly Wilson Dunne Brennan Burke \
            Collins Clarke Johnston Hughes O'Donnell Farrell Fitzgerald Nolan O'Reilly Maguire Nugent O'Callaghan \
            Flynn Smyth Foley Power Mullan Donnelly Duffy Reilly Healy McCann Hogan Keane McGrath O'Shea Boyle Regan \
            Cullen O'Keeffe Sweeney McDonagh Ward Maughan Joyce Ní_Bhriain O'Dwyer Fallon Devlin Kavanagh Rooney \
            Mac_Mahon O'Hara Costello Ó_Sé",
        surname_tail: tail::IRISH,
        surname_shape: shape(9, 8),
    },
    Table {
        label: "south_asian_muslim",
        share: 72,
        own_forenames: 9_500,
        girls: "Fatima Aisha Maryam Zainab Khadija Ayesha Amina Hafsa Sara Zara Aaliyah Safa Inaya Sumaya Hira Iqra \
            Maryum Anaya Saima Shazia Nadia Rukhsana Nasreen Farah Sana Rabia Bushra Samina Tahira Ruqayyah Alishba \
            Noor Hania Sidra Mehwish Nusrat Tasnim Jannat Mahnoor Uzma Rubina Shabnam Yasmin Hajra Asma Naila Zoya \
            Ammarah Bibi Farzana",
        boys: "Muhammad Mohammed Mohammad Ibrahim Yusuf Ali Ahmed Mohamed Abdullah Hamza Omar Zayn Musa Yahya Adam \
            Hassan Bilal Usman Umar Haris Imran Zain Ayaan Zakariya Ismail Isa Khalid Tariq Asif Nadeem Shahid Adeel \
            Kashif Faisal Kamran Rizwan Sajid Zubair Waqas Junaid Haroon Idris Hussain Rayyan Eesa Sulaiman Mustafa \
            Abdul Tahir Nasir Arslan Rehan Shoaib Zeeshan Mujahid Luqman Jamil Rahim Kabir Shah",
        forename_tail: [tail::MUSLIM_GIRLS, tail::MUSLIM_BOYS],
        surnames: "Khan Ahmed Hussain Ali Begum Akhtar Shah Malik Iqbal Mahmood Miah Rahman Mohammed Hussein \
            Chowdhury Uddin Islam Bibi Mirza Ahmad Rashid Khatun Butt Aziz Hassan Sheikh Qureshi Raza Akram Ashraf \
            Saleem Anwar Bashir Javed Hossain Rehman Siddiqui Karim Choudhury Aslam Yousaf Nawaz Zaman Latif Haq \
            Sadiq Farooq Sharif Younis Hanif Rafiq Parveen Kauser Muhammad Mahmud Hamid Mohammad Baig Arshad Ishaq \
            Mehmood Khalid Riaz Tariq Yasin Chaudhry Dar Syed",
        surname_tail: tail::MUSLIM,
        surname_shape: shape(10, 3),
    },
    Table {
        label: "south_asian_hindu",
        share: 30,
        own_forenames: 8_500,
        girls: "Anaya Diya Priya Anika Aarohi Saanvi Isha Meera Riya Ananya Kavya Nisha Pooja Neha Anjali Shreya \
            Aisha Tara Divya Kiran Sonal Heena Lakshmi Radha Sunita Jaya Asha Bhavna Hetal Rekha Dipti Nidhi Trisha \
            Vidya Komal",
        boys: "Aarav Arjun Krish Dev Rohan Aryan Rahul Vihaan Aditya Ishaan Nikhil Sanjay Raj Amit Vivek Anil Jay \
            Kunal Dhruv Kishan Rakesh Pranav Hiren Sunil Vijay Deepak Ravi Suresh Ashwin Neel Siddharth Yash Om \
            Manish Ketan Kavin Tharun",
        forename_tail: [tail::HINDU_GIRLS, tail::HINDU_BOYS],
        surnames: "Patel Shah Sharma Kumar Mistry Desai Gupta Joshi Parmar Chauhan Solanki Mehta Modi Naik Rao Reddy \
            Nair Menon Iyer Pillai Verma Mehra Kapoor Gandhi Trivedi Bhatt Pandya Thakkar Amin Raja Vora Das Sen Roy \
            Banerjee Mukherjee Ghosh Thapa Gurung Rai Limbu Fernandes D'Souza D'Silva Perera Silva Sivakumar Rajan \
            Varma Lad Vyas Rana Jain Subramaniam Kandiah Selvarajah Thomas Varghese",
        surname_tail: tail::HINDU,
        surname_shape: shape(9, 3),
    },
    Table {
        label: "south_asian_sikh",
        share: 15,
        own_forenames: 9_000,
        girls: "Simran Jasmine Kiran Harpreet Jaspreet Manpreet Amrit Gurpreet Kirandeep Navneet Sukhdeep Jasleen \
            Harleen Anaya Rajvir Gurleen Avneet Baljit Kulwinder Sandeep Ravneet Mehar Asees Kavneet Parminder",
        boys: "Gurpreet Harpreet Arjun Jaspreet Manpreet Amandeep Sukhdeep Jasdeep Gurdeep Rajan Harvir Karan \
            Jagdeep Sandeep Baljit Kuldip Ranjit Veer Himmat Fateh Jovan Amrit Daljit Inderjit Surinder Balbir \
            Satnam",
        forename_tail: [tail::SIKH, tail::SIKH],
        surnames: "Singh Gill Sandhu Dhillon Sidhu Grewal Dhaliwal Bains Johal Sahota Atwal Virk Mann Uppal Bassi \
            Bhogal Sohal Randhawa Chahal Purewal Sangha Aujla Cheema Hayer Deol Sekhon Brar Kang Rai Nijjar Samra \
            Toor Chana Panesar Matharu",
        surname_tail: tail::SIKH_SURNAMES,
        surname_shape: shape(11, 0),
    },
    Table {
        label: "eastern_european",
        share: 45,
        own_forenames: 7_000,
        girls: "Zofia Julia Maja Zuzanna Lena Hanna Oliwia Natalia Wiktoria Aleksandra Amelia Gabriela Nikola Anna \
            Katarzyna Agnieszka Małgorzata Magdalena Joanna Monika Maria Ioana Andreea Elena Alexandra Sofia Bianca \
            Daria Karolina Emilija Gabija Ieva Viktorija Kateřina Tereza Eliška Zsófia Petra Ivana Anastasia Olena \
            Oksana Ewa Paulina Dorota Iga Milena Łucja Iva",
        boys: "Jakub Kacper Filip Szymon Jan Antoni Mateusz Michał Adam Oliwier Wojciech Piotr Tomasz Krzysztof \
            Łukasz Marcin Paweł Aleksander Mikołaj Igor Dawid Bartosz Maciej Nikodem David Matei Andrei Alexandru \
            Luca Ștefan Ionuț Mihai Lukas Dominykas Matas Nojus Tomáš Jiří Bence Máté Bogdan Dmitri Oleksandr Maksim \
            Grzegorz Stanisław Rafał Marek Robert Ivan",
        forename_tail: [tail::EASTERN_GIRLS, tail::EASTERN_BOYS],
        surnames: "Nowak Kowalski Łukasik Wiśniewski Lukasik Wójcik Kowalczyk Kamiński Lewandowski Zieliński Szymański Woźniak \
            Dąbrowski Kozłowski Jankowski Mazur Krawczyk Kaczmarek Piotrowski Grabowski Pawłowski Michalski Król \
            Wieczorek Jabłoński Popa Popescu Ionescu Radu Dumitru Stan Stoica Gheorghe Rusu Munteanu \
            Matei Constantin Marin Ciobanu Kazlauskas Petrauskas Jankauskas Stankevicius Ozols Berzins Horváth Nagy \
            Kovács Tóth Szabó Novák Svoboda Dvořák Varga Ivanov Dimitrov Georgiev Petrov Todorov Shevchenko \
            Bondarenko Melnyk Kravchenko Hoxha Krasniqi Gashi Bąk Sęk",
        surname_tail: tail::EASTERN,
        surname_shape: shape(8, 8),
    },
    Table {
        label: "west_african",
        share: 26,
        own_forenames: 5_500,
        girls: "Adaeze Chiamaka Temitope Oluwaseun Ayomide Amara Zainab Fatou Aminata Abena Akua Ama Efua Esi Folake \
            Bukola Yetunde Ngozi Ifeoma Nneka Chioma Simisola Titilayo Adwoa Mariama Isatou Oluwatoni Blessing \
            Precious Favour Ife Temi",
        boys: "Oluwaseun Ayomide Chukwuemeka Kwame Kofi Kojo Tobi Emeka Chidi Babatunde Olumide Ayodele Femi Kwaku \
            Yaw Mamadou Ousmane Ibrahima Lamin Segun Obinna Ikenna Kelechi Uche Damilola Tunde Oluwatobi Nana Ebuka \
            Moussa Emmanuel Samuel",
        forename_tail: [tail::WEST_AFRICAN, tail::WEST_AFRICAN],
        surnames: "Mensah Owusu Osei Boateng Appiah Asante Agyemang Okafor Okeke Adeyemi Adebayo Ogunleye Okoro Eze \
            Diallo Jallow Ceesay Sesay Kamara Bangura Conteh Koroma Oladipo Balogun Afolabi Ojo Bello Ibrahim Musa \
            Nwosu Obi Okonkwo Onyeka Amoah Annan Acheampong Addo Amponsah Darko Frimpong Gyamfi Opoku Sarpong Yeboah \
            Traoré N'Diaye Cissé Touré Keita Bah Barry Sow Akinola Akande Ayodele Olatunji Salami Lawal Nwachukwu \
            Igwe Uzor Essien Etim Johnson Williams",
        surname_tail: tail::WEST_AFRICAN_SURNAMES,
        surname_shape: shape(8, 6),
    },
    Table {
        label: "caribbean",
        share: 16,
        own_forenames: 2_500,
        girls: "Shanice Chantelle Tanisha Keisha Latoya Shanelle Kayla Tiana Aaliyah Shantel Jada Nyah Sade Rochelle \
            Simone Tamara Natalya Janelle Anaya Zaria Kezia Marcia Yvonne Sharna Renée",
        boys: "Jermaine Tyrone Andre Dwayne Leroy Marlon Jerome Tyrese Kieron Devonte Malachi Romario Winston Delroy \
            Tremaine Rashaun Nathaniel Shaquille Curtis Jaheim Isaiah Tyrell Kemar Kadeem Omari",
        forename_tail: [tail::BRITISH_GIRLS, tail::BRITISH_BOYS],
        surnames: "Brown Williams Campbell Johnson Thomas Joseph Francis Clarke Grant Smith Morgan Gordon Lewis \
            Henry Reid Bailey Charles James Edwards Thompson Walters Stewart Morrison Allen Bennett McKenzie Blake \
            Samuels Dixon Graham Palmer Powell Barrett Beckford Anderson Pinnock Lindo Bartley Daley Alexander \
            St_Louis Hinds Griffith Alleyne Gayle Bogle Facey Augustin Jean-Baptiste Pierre Nurse",
        surname_tail: tail::ENGLISH,
        surname_shape: shape(9, 10),
    },
    Table {
        label: "east_asian",
        share: 14,
        own_forenames: 5_500,
        girls: "Mei Yan Ying Li Wen Xin Yi Hui Jing Ling Linh Anh Thuy Mai Lan Huong Trang Ngoc Phuong Hoa Xiu Qi Yu \
            Na Zi-Han Tsz-Ching Hoi-Yan Wing-Yan Ka-Yan",
        boys: "Wei Jun Ming Hao Yi Jian Chen Long Lei Feng Minh Duc Tuan Huy Dung Nam Quang Bao Khoa Tao Bo Kai Rui \
            Yu Ho Zi-Xuan Chun-Hei Tsz-Kin Ka-Ho Wai-Kit",
        forename_tail: [tail::EAST_ASIAN, tail::EAST_ASIAN],
        surnames: "Nguyen Chen Li Wong Chan Lee Wang Zhang Lin Liu Tran Ng Lam Leung Cheung Lau Yang Wu Huang Ho \
            Zhou Xu Le Pham Cheng Tang Yu Ma Chow Yip Tsang Kwok Zhao Sun Hoang Huynh Vu Dang Do Bui Tan Lim Law Mak \
            Fung Tse Lo Hui Sze Au Xie He Zhu Guo Deng Luo Ye Jiang Song Feng Kim Park Choi Santos Reyes Cruz",
        surname_tail: tail::EAST_ASIAN_SURNAMES,
        surname_shape: shape(9, 3),
    },
    Table {
        label: "arabic",
        share: 18,
        own_forenames: 9_500,
        girls: "Fatima Maryam Noor Layla Amal Hiba Salma Amira Huda Rania Yasmin Zahra Aya Sara Lina Hanan Nour \
            Malak Jana Dina Samira Ruba Hamda Hodan Ifrah Sagal Ayaan Nimco Sahra Hawa",
        boys: "Mohamed Ahmed Ali Omar Yusuf Ibrahim Hassan Khalid Mustafa Abdullah Abdirahman Karim Samir Tarek \
            Bilal Hussein Zaid Youssef Anas Mahmoud Hamza Ayoub Amir Walid Osama Nasser Abdi Liban Mahad Guled \
            Zakariya Idris",
        forename_tail: [tail::MUSLIM_GIRLS, tail::MUSLIM_BOYS],
        surnames: "Mohamed Ahmed Ali Hassan Ibrahim Hussein Abdi Osman Omar Yusuf Saleh Abdullah Mahmoud Al-Hassan \
            Al-Saidi Haddad Khalil Mansour Nasser Saeed Warsame Farah Aden Jama Nur Elmi Salem Hamdan El-Sayed \
            Al-Rashid Abbas Aziz Hamid Kareem Mustafa Najjar Qasim Sabah Taha Younes Benali Belkacem Bouaziz Amrani \
            El-Idrissi Tahiri Rahimi Ahmadi Karimi Hosseini Azizi Noori Amiri Stanekzai",
        surname_tail: tail::ARABIC,
        surname_shape: shape(9, 3),
    },
    Table {
        label: "turkish",
        share: 8,
        own_forenames: 9_000,
        girls: "Zeynep Elif Defne Ayşe Fatma Emine Hatice Merve Büşra Özlem Esra Nur Yağmur Ela Azra Eylül Selin \
            Ceren Dilara Gül Melek Su İrem Derya Hülya",
        boys: "Mehmet Mustafa Ahmet Ali Hüseyin Hasan Yusuf Emir Ömer Murat Kerem Emre Can Efe Arda Barış Deniz \
            Burak Onur Serkan Çağlar Ege Kemal Umut Volkan",
        forename_tail: [tail::TURKISH, tail::TURKISH],
        surnames: "Yılmaz Kaya Demir Çelik Şahin Yıldız Yıldırım Öztürk Aydın Özdemir Arslan Doğan Kılıç Aslan Çetin \
            Kara Koç Kurt Özkan Şimşek Polat Korkmaz Güneş Bulut Erdoğan Aksoy Tekin Ay Uçar Mehmet Hussein Osman \
            Demirci Avcı Er",
        surname_tail: tail::TURKISH_SURNAMES,
        surname_shape: shape(8, 6),
    },
    Table {
        label: "portuguese",
        share: 10,
        own_forenames: 7_500,
        girls: "Maria Ana Beatriz Leonor Matilde Inês Mariana Carolina Sofia Francisca Lara Joana Rita Catarina \
            Patrícia Luísa Filipa Helena Márcia Teresa Bruna Letícia Larissa Camila Júlia",
        boys: "João Rodrigo Francisco Martim Santiago Tomás Duarte Gonçalo Miguel Afonso Pedro Tiago Diogo José \
            António Rui Nuno Paulo Luís Bruno Hélder Leandro Márcio Davi Rafael",
        forename_tail: [tail::PORTUGUESE, tail::PORTUGUESE],
        surnames: "Silva Santos Ferreira Pereira Oliveira Costa Rodrigues Martins Sousa Fernandes Gonçalves Gomes \
            Lopes Marques Alves Almeida Ribeiro Pinto Carvalho Teixeira Moreira Correia Mendes Nunes Soares Vieira \
            Monteiro Cardoso Rocha Neves Coelho Cruz Cunha Pires Ramos Reis Simões Antunes Matos Fonseca Araújo \
            Barros Lima Souza Freitas Sá",
        surname_tail: tail::PORTUGUESE_SURNAMES,
        surname_shape: shape(8, 5),
    },
];
